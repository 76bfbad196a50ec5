import type { Queue } from 'bullmq'

/** A handler's queue at a glance. */
export interface HandlerStatus {
  readonly name: string
  /** Jobs (batches) that wait or are delayed. */
  readonly depth: number
  readonly active: number
  /** At least: of the batches to be tried again, only the next is looked at. */
  readonly oldestAgeMs: number | null
  /** Batches that failed for good and wait for a person. */
  readonly failing: number
  readonly ratePerMinute: number
  readonly paused: boolean
}

/** `now` is in ms since the epoch. */
export async function readHandlerStatus(queue: Queue, now: number): Promise<HandlerStatus> {
  const [counts, eldest, paused, recent] = await Promise.all([
    queue.getJobCounts('waiting', 'delayed', 'active', 'failed'),
    queue.getJobs(['waiting', 'delayed'], 0, 0, true),
    queue.isPaused(),
    queue.getJobs(['completed'], 0, 99, false),
  ])
  return {
    name: queue.name,
    depth: (counts['waiting'] ?? 0) + (counts['delayed'] ?? 0),
    active: counts['active'] ?? 0,
    oldestAgeMs: eldest.length === 0 ? null : Math.max(...eldest.map((job) => now - job.timestamp)),
    failing: counts['failed'] ?? 0,
    ratePerMinute: recent.filter((job) => now - (job.finishedOn ?? 0) < 60_000).length,
    paused,
  }
}
