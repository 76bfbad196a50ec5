import { readEventJob, writeEventJob, type EventJob } from '@warmhook/schema/event-job'
import type { Job, Queue } from 'bullmq'

const pageSize = 100
/** The rest is due within a minute anyway. */
const maxJobs = 5_000

/** Makes waiting events of these owners due at once, the oldest jobs first. */
export async function releaseHeldJobs(queue: Queue, owners: ReadonlySet<string>): Promise<void> {
  let kept = 0
  for (let seen = 0; seen < maxJobs; seen += pageSize) {
    // Released jobs leave the list, so the next page moves up.
    const jobs = await queue.getJobs(['delayed'], kept, kept + pageSize - 1, true)
    const released = await Promise.all(jobs.map((job) => release(job, owners)))
    kept += released.filter((isReleased) => !isReleased).length
    if (jobs.length < pageSize) return
  }
}

async function release(job: Job, owners: ReadonlySet<string>): Promise<boolean> {
  const reading = readEventJob(job.data)
  if (reading.status !== 'read') return false
  const { events, progress } = reading.job
  const mine = events.filter(({ id, owner }) => owners.has(owner) && progress.has(id))
  if (mine.length === 0) return false
  // What a worker has finished meanwhile is not repeated: Postgres knows it.
  await job.updateData(writeEventJob({ ...reading.job, progress: dueNow(progress, mine) }))
  try {
    await job.promote()
  } catch (error) {
    // It has become due meanwhile.
    if (await job.isDelayed()) throw error
  }
  return true
}

function dueNow(progress: EventJob['progress'], events: EventJob['events']): EventJob['progress'] {
  const due = new Map(progress)
  for (const { id } of events) due.set(id, { attempts: progress.get(id)?.attempts ?? 0, notBefore: 0 })
  return due
}
