import { readEventJob, writeEventJob } from '@warmhook/schema/event-job'
import type { Queue } from 'bullmq'

/** A job can be up to 256 KiB. */
const pageSize = 20

/**
 * Removes the replayed events from failed jobs, and jobs that are then empty. From now on, the job of the replay shows
 * the state of these events.
 */
export async function removeDeadLetters(queue: Queue, eventIds: ReadonlySet<string>): Promise<void> {
  if (eventIds.size === 0) return
  // Starting with the oldest: jobs that fail in the meantime come later. Removing jobs moves the next ones up.
  for (let start = 0; ;) {
    const jobs = await queue.getJobs(['failed'], start, start + pageSize - 1, true)
    for (const job of jobs) {
      const reading = readEventJob(job.data)
      const events = reading.status === 'read' ? reading.job.events : []
      const rest = events.filter(({ id }) => !eventIds.has(id))
      if (events.length > 0 && rest.length === 0) {
        await job.remove()
        continue
      }
      start += 1
      if (reading.status === 'read' && rest.length < events.length)
        await job.updateData(writeEventJob({ ...reading.job, events: rest }))
    }
    if (jobs.length < pageSize) return
  }
}
