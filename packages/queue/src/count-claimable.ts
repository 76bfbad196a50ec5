import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** BullMQ sorts delayed jobs by their time in ms, followed by twelve bits that keep the order of equal times. */
const scorePerMs = 4_096

/** Jobs that a worker may take at `now` (ms since the epoch): waiting ones, and delayed ones that are due. A paused queue's wait on purpose. */
export async function countClaimable(queue: Queue, redis: Redis, now: number): Promise<number> {
  const [isPaused, counts, due] = await Promise.all([
    queue.isPaused(),
    queue.getJobCounts('waiting'),
    redis.zcount(queue.toKey('delayed'), '-inf', now * scorePerMs),
  ])
  return isPaused ? 0 : (counts['waiting'] ?? 0) + due
}
