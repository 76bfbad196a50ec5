import type { Database } from '@warmhook/store/database'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import { markQueued } from '@warmhook/store/outbox/sweep-outbox'
import type { HandlerQueues } from './handler-queues.ts'

/**
 * Adds outbox jobs to their queues. Jobs that Redis does not accept remain in the outbox and are left to the sweeper.
 * Never throws.
 */
export async function enqueueJobs(
  jobs: readonly OutboxJob[],
  {
    db,
    queues,
    onError,
  }: { readonly db: Database; readonly queues: HandlerQueues; readonly onError: (error: unknown) => void },
): Promise<void> {
  const results = await Promise.allSettled(jobs.map((job) => queues.add(job)))
  const failed = jobs.filter((_, index) => results[index]?.status === 'rejected')
  if (failed.length === 0) return
  const [reason] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  onError(
    new Error(`${failed.length} handler jobs could not be enqueued and are left to the sweeper`, { cause: reason }),
  )
  await markQueued(
    db,
    failed.map(({ id }) => id),
    false,
  ).catch(onError)
}
