import { intakeQueue } from '@warmhook/queue/catalog'
import type { Queue } from 'bullmq'

const states = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const
/** A job may hold 256 KiB. */
const pageSize = 100

/** The size of each batch in the intake queue, by job id, without those that are routed again. */
export async function readIntakeBatches(intake: Queue): Promise<ReadonlyMap<string, number>> {
  const batches = new Map<string, number>()
  for (const state of states) {
    for (let start = 0; ; start += pageSize) {
      // The latest first: workers take the oldest, which then moves nothing past the page to come.
      const jobs = await intake.getJobs([state], start, start + pageSize - 1, false)
      for (const job of jobs) {
        const batch = intakeQueue.payload.safeParse(job.data)
        if (job.id !== undefined && batch.success && batch.data.replay !== true)
          batches.set(job.id, batch.data.envelopes.length)
      }
      // A page may be short because some of its jobs are gone by now.
      if (jobs.length === 0) break
    }
  }
  return batches
}
