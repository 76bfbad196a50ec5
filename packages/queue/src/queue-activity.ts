import type { Redis } from 'ioredis'

/** One worker's report about itself. */
export interface WorkerReport {
  readonly workerId: string
  /** The queues that it processes, with the number of events finished in each since its last report. */
  readonly queues: readonly { readonly name: string; readonly finished: number }[]
}

/** The workers' reports on one queue, combined. */
export interface QueueActivity {
  /** Live workers that process the queue. */
  readonly workers: number
  /** Events finished in the last minute. */
  readonly eventsPerMinute: number
}

/** A worker that has not reported for this long no longer counts. */
const reportValidMs = 10_000

/**
 * Records which queues a worker processes. CLIENT LIST is no substitute: managed Redis services refuse it, and it still
 * lists a worker whose machine is gone. Times come from Redis, so clocks need not agree.
 */
export async function reportWorker(redis: Redis, prefix: string, { workerId, queues }: WorkerReport): Promise<void> {
  const keys = queues.flatMap(({ name }) => keysOf(prefix, name))
  await redis.eval(report, keys.length, ...keys, workerId, ...queues.map(({ finished }) => finished))
}

/** Removes a worker that is stopping. */
export async function withdrawWorker(
  redis: Redis,
  prefix: string,
  workerId: string,
  queues: readonly string[],
): Promise<void> {
  for (const name of queues) await redis.zrem(keysOf(prefix, name)[0], workerId)
}

/** The activity that workers have reported, by queue. */
export async function readQueueActivity(
  redis: Redis,
  prefix: string,
  queues: readonly string[],
): Promise<ReadonlyMap<string, QueueActivity>> {
  const keys = queues.flatMap((name) => keysOf(prefix, name))
  const counts = (await redis.eval(read, keys.length, ...keys)) as readonly number[]
  return new Map(
    queues.map((name, index) => [
      name,
      { workers: counts[index * 2] ?? 0, eventsPerMinute: counts[index * 2 + 1] ?? 0 },
    ]),
  )
}

function keysOf(prefix: string, queue: string): readonly [workers: string, finished: string] {
  return [`${prefix}:activity:workers:${queue}`, `${prefix}:activity:finished:${queue}`]
}

// Finished events are counted in five-second slices, twelve per minute.
const clock = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local slice = math.floor(now / 5000)
`
const report = `${clock}
  for i = 1, #KEYS / 2 do
    local workers, finished = KEYS[2 * i - 1], KEYS[2 * i]
    redis.call('ZADD', workers, now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - ${reportValidMs})
    redis.call('PEXPIRE', workers, ${reportValidMs})
    local count = tonumber(ARGV[1 + i])
    if count > 0 then
      redis.call('HINCRBY', finished, slice, count)
      redis.call('PEXPIRE', finished, 60000)
      for _, old in ipairs(redis.call('HKEYS', finished)) do
        if tonumber(old) <= slice - 12 then redis.call('HDEL', finished, old) end
      end
    end
  end`
const read = `${clock}
  local answer = {}
  for i = 1, #KEYS, 2 do
    answer[i] = redis.call('ZCOUNT', KEYS[i], now - ${reportValidMs}, '+inf')
    local sum = 0
    local slices = redis.call('HGETALL', KEYS[i + 1])
    for j = 1, #slices, 2 do
      if tonumber(slices[j]) > slice - 12 then sum = sum + tonumber(slices[j + 1]) end
    end
    answer[i + 1] = sum
  end
  return answer`
