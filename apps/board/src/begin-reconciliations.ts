import { toReconcileJob } from '@warmhook/queue/catalog'
import { listRuns, type RunView } from '@warmhook/store/reconciliations/list-runs'
import { beginRun } from '@warmhook/store/reconciliations/runs'
import { v7 as uuidv7 } from 'uuid'
import type { ReadDeps } from './board-deps.ts'

export interface ReconciliationCommand {
  readonly dryRun: boolean
  readonly acceptVanished: boolean
}

/** Begins a reconciliation of each owner; one of the same kind that is in progress is returned instead. */
export async function beginReconciliations(
  owners: readonly string[],
  { dryRun, acceptVanished }: ReconciliationCommand,
  { db, reconcile, now }: Pick<ReadDeps, 'db' | 'reconcile' | 'now'>,
): Promise<readonly RunView[]> {
  const runs: RunView[] = []
  for (const owner of owners) {
    const wanted = { id: uuidv7(), owner, isDry: dryRun, acceptsVanished: acceptVanished, now: now() }
    const run = await beginRun(db, wanted)
    const { id, name, payload } = toReconcileJob(run)
    await reconcile.add(name, payload, { jobId: id })
    const { items } = await listRuns(db, { id: run.id }, { limit: 1, cursor: undefined })
    runs.push(...items)
  }
  return runs
}
