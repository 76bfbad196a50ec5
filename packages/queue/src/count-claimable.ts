import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** BullMQ's score of a delayed job is its due time in ms, followed by 12 bits that order jobs with equal times. */
const scorePerMs = 4_096

/** Jobs that a worker may take at `now` (ms since the epoch): waiting or delayed and due. A paused queue has none. */
export async function countClaimable(queue: Queue, redis: Redis, now: number): Promise<number> {
  const [isPaused, counts, due] = await Promise.all([
    queue.isPaused(),
    queue.getJobCounts('waiting'),
    redis.zcount(queue.toKey('delayed'), '-inf', now * scorePerMs),
  ])
  return isPaused ? 0 : (counts['waiting'] ?? 0) + due
}
