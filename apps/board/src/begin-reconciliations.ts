import { beginReconciliation } from '@warmhook/reconcile/begin-reconciliation'
import { listRuns, type RunView } from '@warmhook/store/reconciliations/list-runs'
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
    const request = { owner, isDry: dryRun, acceptsVanished: acceptVanished }
    const { id } = await beginReconciliation(request, { db, queue: reconcile, now })
    const { items } = await listRuns(db, { id }, { limit: 1, cursor: undefined })
    runs.push(...items)
  }
  return runs
}
