import { readEventJob, writeEventJob } from '@warmhook/schema/event-job'
import type { Queue } from 'bullmq'

/** A job can have 256 KiB. */
const pageSize = 20

/**
 * Removes the failed jobs whose events all have a new run: the run's own job tells from now on what becomes of them. Of
 * the others, only the rest stays.
 */
export async function removeDeadLetters(queue: Queue, eventIds: ReadonlySet<string>): Promise<void> {
  if (eventIds.size === 0) return
  // From the oldest on: those that fail meanwhile come after them. What is removed makes room for the next.
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
