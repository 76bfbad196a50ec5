import { toReconcileJob } from '@warmhook/queue/catalog'
import type { Database } from '@warmhook/store/database'
import { beginRun, type Run, type RunRequest } from '@warmhook/store/reconciliations/runs'
import type { Queue } from 'bullmq'
import { v7 as uuidv7 } from 'uuid'

export interface BeginDeps {
  readonly db: Database
  /** The queue of reconciliations. */
  readonly queue: Queue
  readonly now: () => number
}

/** Begins a run and adds its job. If the owner has one of the same kind in progress, that one is returned instead. */
export async function beginReconciliation(
  request: Pick<RunRequest, 'owner' | 'isDry' | 'acceptsVanished'>,
  { db, queue, now }: BeginDeps,
): Promise<Run> {
  const run = await beginRun(db, { ...request, id: uuidv7(), now: now() })
  const { id, name, payload } = toReconcileJob(run)
  await queue.add(name, payload, { jobId: id })
  return run
}
