import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

/** A queue at a glance. Times are in ms since the epoch. */
export interface QueueStatus {
  /** Jobs that could be taken now. */
  readonly waiting: number
  /** Jobs waiting until their next attempt is due. */
  readonly delayed: number
  readonly active: number
  /** Jobs that failed for good. */
  readonly failed: number
  readonly paused: boolean
  /** When the oldest waiting job was added; of the delayed jobs, only the next one is considered. */
  readonly oldestAt: number | undefined
  /** Since when there has been a job that could be taken; undefined if there is none or the queue is paused. */
  readonly claimableSince: number | undefined
}

/** `now` is in ms since the epoch. The cost does not depend on the queue's length. */
export async function readQueueStatus(redis: Redis, queue: Queue, now: number): Promise<QueueStatus> {
  const [counts, paused, waiting, delayed] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed'),
    queue.isPaused(),
    readNextWaiting(redis, queue),
    readNextDelayed(redis, queue),
  ])
  const added = [waiting?.addedAt, delayed?.addedAt].filter((at) => at !== undefined)
  const claimable = [waiting?.since, delayed?.due].filter((at) => at !== undefined).filter((at) => at <= now)
  return {
    waiting: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0),
    delayed: counts['delayed'] ?? 0,
    active: counts['active'] ?? 0,
    failed: counts['failed'] ?? 0,
    paused,
    oldestAt: added.length === 0 ? undefined : Math.min(...added),
    claimableSince: paused || claimable.length === 0 ? undefined : Math.min(...claimable),
  }
}

/** The list is in the order in which jobs became claimable: a job that returns from a delay goes to its end. */
async function readNextWaiting(
  redis: Redis,
  queue: Queue,
): Promise<{ readonly addedAt: number; readonly since: number } | undefined> {
  const [id] = await queue.getRanges(['waiting'], 0, 0, true)
  if (id === undefined) return undefined
  const [timestamp, processedOn] = await redis.hmget(queue.toKey(id), 'timestamp', 'processedOn')
  // A worker has just finished it.
  if (timestamp === null || timestamp === undefined) return undefined
  const addedAt = Number(timestamp)
  const isNew = processedOn === null || processedOn === undefined
  return { addedAt, since: isNew ? addedAt : await readReturn(redis, queue, id, Number(processedOn)) }
}

/** When a job returned to the list. Its hash does not record this; the queue's last 1,000 events do. */
async function readReturn(redis: Redis, queue: Queue, id: string, lastStart: number): Promise<number> {
  const entries = await redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1_000)
  const entry = entries.find(([, fields]) => isReturnOf(id, fields)) ?? entries.at(-1)
  return entry === undefined ? lastStart : Number.parseInt(entry[0], 10)
}

function isReturnOf(id: string, fields: readonly string[]): boolean {
  const valueOf = (name: string): string | undefined => fields[fields.indexOf(name) + 1]
  return valueOf('event') === 'waiting' && valueOf('jobId') === id
}

/** BullMQ's score is the due time in ms, followed by 12 bits that order jobs with equal times. */
async function readNextDelayed(
  redis: Redis,
  queue: Queue,
): Promise<{ readonly addedAt: number; readonly due: number } | undefined> {
  const [id] = await redis.zrange(queue.toKey('delayed'), 0, '0')
  if (id === undefined) return undefined
  const [score, timestamp] = await Promise.all([
    redis.zscore(queue.toKey('delayed'), id),
    redis.hget(queue.toKey(id), 'timestamp'),
  ])
  // It has just become due.
  if (score === null || timestamp === null) return undefined
  return { addedAt: Number(timestamp), due: Math.floor(Number(score) / 0x1000) }
}
