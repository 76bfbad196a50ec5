import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectConsumer } from './connections.ts'
import { readQueueActivity, reportWorker, withdrawWorker } from './queue-activity.ts'
import type { Redis } from 'ioredis'

describe('queue activity', () => {
  let keys: TestPrefix
  let redis: Redis
  beforeEach(() => {
    keys = testPrefix()
    redis = connectConsumer({ url: keys.redisUrl, onError: () => undefined })
  })
  afterEach(async () => {
    await keys[Symbol.asyncDispose]()
    redis.disconnect()
  })

  const read = async (...queues: readonly string[]) =>
    Object.fromEntries(await readQueueActivity(redis, keys.prefix, queues))

  it('is empty before the first report', async () => {
    expect(await read('a')).toEqual({ a: { workers: 0, eventsPerMinute: 0 } })
  })

  it('counts the workers of each queue once, and adds up the events they finished', async () => {
    const report = (workerId: string, ...queues: readonly (readonly [string, number])[]) =>
      reportWorker(redis, keys.prefix, {
        workerId,
        queues: queues.map(([name, finished]) => ({ name, finished })),
      })
    await report('one', ['a', 150], ['b', 0])
    await report('one', ['a', 150], ['b', 0])
    await report('two', ['a', 7])
    expect(await read('a', 'b', 'c')).toEqual({
      a: { workers: 2, eventsPerMinute: 307 },
      b: { workers: 1, eventsPerMinute: 0 },
      c: { workers: 0, eventsPerMinute: 0 },
    })
  })

  it('forgets a worker that stops, but keeps its finished events', async () => {
    await reportWorker(redis, keys.prefix, { workerId: 'one', queues: [{ name: 'a', finished: 3 }] })
    await withdrawWorker(redis, keys.prefix, 'one', ['a'])
    expect(await read('a')).toEqual({ a: { workers: 0, eventsPerMinute: 3 } })
  })

  it('forgets workers that stop reporting, and events older than a minute', async () => {
    await reportWorker(redis, keys.prefix, { workerId: 'one', queues: [{ name: 'a', finished: 3 }] })
    await age(keys.prefix, 'a', 11_000)
    expect(await read('a')).toMatchObject({ a: { workers: 0, eventsPerMinute: 3 } })
    await age(keys.prefix, 'a', 60_000)
    expect(await read('a')).toMatchObject({ a: { workers: 0, eventsPerMinute: 0 } })
  })

  /** Backdates all reports on a queue. */
  async function age(prefix: string, queue: string, ms: number): Promise<void> {
    const workers = `${prefix}:activity:workers:${queue}`
    for (const id of await redis.zrange(workers, 0, '-1')) await redis.zincrby(workers, -ms, id)
    const finished = `${prefix}:activity:finished:${queue}`
    for (const [slice, count] of Object.entries(await redis.hgetall(finished))) {
      await redis.hdel(finished, slice)
      await redis.hset(finished, String(Number(slice) - Math.floor(ms / 5_000)), count)
    }
  }
})
