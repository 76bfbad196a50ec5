import { randomUUID } from 'node:crypto'
import { eventually } from '@warmhook/testing/eventually'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { DelayedError, Queue, Worker, type Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectConsumer } from './connections.ts'
import { readQueueStatus } from './read-queue-status.ts'

const hour = 3_600_000

describe('readQueueStatus', () => {
  let keys: TestPrefix
  let redis: Redis
  let queue: Queue
  beforeEach(() => {
    keys = testPrefix()
    redis = connectConsumer({ url: keys.redisUrl, onError: () => undefined })
    queue = new Queue('q', { connection: redis, prefix: keys.prefix })
  })
  afterEach(async () => {
    await queue.close()
    await keys[Symbol.asyncDispose]()
    redis.disconnect()
  })

  const add = (timestamp: number, delay = 0) => queue.add('x', {}, { timestamp, delay, jobId: randomUUID() })
  /** Runs jobs in one worker until the queue reaches the expected state. */
  async function work(process: (job: Job, token?: string) => Promise<void>, until: () => Promise<void>): Promise<void> {
    const worker = new Worker('q', process, { connection: redis.duplicate(), prefix: keys.prefix })
    await eventually(until)
    await worker.close()
  }

  it('is empty for an empty queue', async () => {
    expect(await readQueueStatus(redis, queue, Date.now())).toEqual({
      waiting: 0,
      delayed: 0,
      active: 0,
      failed: 0,
      paused: false,
      oldestAt: undefined,
      claimableSince: undefined,
    })
  })

  it('skips a job that is gone by the time it is read', async () => {
    await redis.rpush(queue.toKey('wait'), 'a-job-without-a-hash')
    await redis.zadd(queue.toKey('delayed'), 5 * 4_096, 'another')
    expect(await readQueueStatus(redis, queue, Date.now())).toMatchObject({
      waiting: 1,
      delayed: 1,
      oldestAt: undefined,
      claimableSince: undefined,
    })
  })

  it('is claimable since the oldest waiting job was added', async () => {
    await add(1_000)
    await add(2_000)
    expect(await readQueueStatus(redis, queue, 5_000)).toMatchObject({
      waiting: 2,
      oldestAt: 1_000,
      claimableSince: 1_000,
    })
  })

  it('is not claimable while its only job is delayed', async () => {
    const now = Date.now()
    await add(now - hour, 2 * hour)
    expect(await readQueueStatus(redis, queue, now)).toMatchObject({
      delayed: 1,
      oldestAt: now - hour,
      claimableSince: undefined,
    })
    // No worker has moved it to the waiting list.
    expect((await readQueueStatus(redis, queue, now + 2 * hour)).claimableSince).toBe(now + hour)
  })

  it('is claimable since its return for a job that was tried before', async () => {
    const started = Date.now()
    await add(started - hour)
    await work(
      async (job, token) => {
        await job.moveToDelayed(Date.now() + 300_000, token)
        throw new DelayedError()
      },
      async () => expect(await queue.getDelayedCount()).toBe(1),
    )
    const [job] = await queue.getDelayed()
    const before = Date.now()
    await job?.promote()
    const status = await readQueueStatus(redis, queue, Date.now())
    expect(status).toMatchObject({ waiting: 1, oldestAt: started - hour })
    // Redis and the test run on the same machine, so they share a clock.
    expect(status.claimableSince).toBeGreaterThanOrEqual(before - 5)
  })

  it('is claimable since the oldest known event if the return is no longer recorded', async () => {
    const job = await add(Date.now() - hour)
    await work(
      async (running, token) => {
        await running.moveToDelayed(Date.now() + 300_000, token)
        throw new DelayedError()
      },
      async () => expect(await queue.getDelayedCount()).toBe(1),
    )
    await job.promote()
    await redis.del(queue.toKey('events'))
    await redis.xadd(queue.toKey('events'), '7000-0', 'event', 'waiting', 'jobId', 'another')
    expect((await readQueueStatus(redis, queue, Date.now())).claimableSince).toBe(7_000)
  })

  it('reports its jobs while it is paused, but is not claimable', async () => {
    await add(1_000)
    await queue.pause()
    expect(await readQueueStatus(redis, queue, 5_000)).toMatchObject({
      waiting: 1,
      paused: true,
      oldestAt: 1_000,
      claimableSince: undefined,
    })
  })
})
