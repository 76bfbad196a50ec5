import type { Database } from '@warmhook/store/database'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import { markQueued } from '@warmhook/store/outbox/sweep-outbox'
import type { HandlerQueues } from './handler-queues.ts'

/**
 * Puts jobs of the outbox into their queues. What Redis does not take is left to the sweeper: the outbox has it. Never
 * throws.
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
  onError(new Error(`${failed.length} jobs of handlers are left to the sweeper`, { cause: reason }))
  await markQueued(
    db,
    failed.map(({ id }) => id),
    false,
  ).catch(onError)
}
