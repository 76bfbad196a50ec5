import { intakeQueue } from '@warmhook/queue/catalog'
import type { Database } from '@warmhook/store/database'
import { routedBatches } from '@warmhook/store/ledger/routed-batches'
import type { Queue } from 'bullmq'

const states = ['waiting', 'active', 'delayed', 'failed'] as const
const pageSize = 100

/**
 * How many envelopes wait in the intake queue that the database does not count yet. Redis is read first, then the
 * database, so that a batch that is routed meanwhile is counted by neither rather than by both.
 */
export async function countIntakeEnvelopes(intake: Queue, db: Database): Promise<number> {
  let envelopes = 0
  const seen = new Set<string>()
  for (const state of states) {
    for (let start = 0; ; start += pageSize) {
      const jobs = await intake.getJobs([state], start, start + pageSize - 1, true)
      const unseen = jobs.filter((job) => job.id !== undefined && !seen.has(job.id))
      const routed = await routedBatches(
        db,
        unseen.flatMap((job) => job.id ?? []),
      )
      for (const job of unseen) {
        seen.add(job.id ?? '')
        const batch = intakeQueue.payload.safeParse(job.data)
        if (batch.success && batch.data.replay !== true && !routed.has(job.id ?? ''))
          envelopes += batch.data.envelopes.length
      }
      if (jobs.length < pageSize) break
    }
  }
  return envelopes
}
