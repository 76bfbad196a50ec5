import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { eventually } from '@warmhook/testing/eventually'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBatchProducer, EnqueueError, type BatchProducer } from './batch-producer.ts'
import { handlerQueue } from './catalog.ts'
import { connectConsumer, connectProducer } from './connections.ts'
import { RetryAtError, startBatchWorker, UnavailableError, type BatchContext } from './start-batch-worker.ts'

const policy = {
  batchMax: 64,
  overlap: 'any batch' as const,
  attempts: 3,
  firstDelayMs: 10,
  maxDelayMs: 20,
  timeoutMs: 5_000,
}
const spec = handlerQueue({ name: 'trial', policy })

let keys: TestPrefix
let cleanup: AsyncDisposableStack
let producerConnection: Redis
let producer: BatchProducer<unknown>

beforeEach(() => {
  keys = testPrefix()
  cleanup = new AsyncDisposableStack()
  cleanup.use(keys)
  producerConnection = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => producerConnection.disconnect())
  producer = cleanup.use(
    createBatchProducer(spec, producerConnection, {
      prefix: keys.prefix,
      deadlineMs: 2_000,
      replicas: 0,
      onError: () => undefined,
    }),
  )
})
afterEach(() => cleanup.disposeAsync())

async function add(payload: unknown = {}): Promise<string> {
  const id = randomUUID()
  await eventually(() => producer.queue.waitUntilReady().then(() => producer.add({ id, name: 'trial', payload })))
  return id
}

function work(process: (context: BatchContext<unknown>) => Promise<void>, concurrency = 1): AsyncDisposable {
  return cleanup.use(
    startBatchWorker({
      spec,
      connect: () => connectConsumer({ url: keys.redisUrl, onError: () => undefined }),
      prefix: keys.prefix,
      concurrency,
      lockMs: 15_000,
      onError: () => undefined,
      watch: { redis: producerConnection, everyMs: 5_000, stuckAfterMs: 60_000 },
      onStuck: () => undefined,
      stopMs: 10_000,
      now: Date.now,
      random: () => 1,
      process,
    }),
  )
}

const stateOf = async (id: string): Promise<string> => producer.queue.getJobState(id)

describe('a worker', () => {
  it('counts no attempt if infrastructure is unreachable, or if a job is to be retried at a given time', async () => {
    let failures = 0
    work(async () => {
      failures += 1
      if (failures <= 5) throw new UnavailableError('the database is unreachable')
      if (failures <= 10) throw new RetryAtError('not yet', Date.now())
    })
    const id = await add()
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect((await producer.queue.getJob(id))?.attemptsMade).toBe(1)
  })

  it('retries a job no earlier than requested', async () => {
    const notBefore = Date.now() + 300
    const times: number[] = []
    work(async () => {
      times.push(Date.now())
      if (times.length === 1) throw new RetryAtError('too many requests', notBefore)
    })
    const id = await add()
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(times[1]).toBeGreaterThanOrEqual(notBefore)
  })

  it('keeps an updated payload for the next attempt', async () => {
    const seen: unknown[] = []
    work(async ({ payload, updatePayload }) => {
      seen.push(payload)
      if (seen.length > 1) return
      await updatePayload({ rest: true })
      throw new RetryAtError('the rest', Date.now())
    })
    const id = await add({ whole: true })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(seen).toEqual([{ whole: true }, { rest: true }])
  })

  it('finishes started work when it is stopped, and hands back the rest without counting an attempt', async () => {
    const gate = Promise.withResolvers<void>()
    const begun: string[] = []
    const worker = work(async ({ jobId, isStopping }) => {
      begun.push(jobId)
      await gate.promise
      if (jobId !== begun[0] && isStopping()) throw new UnavailableError('the worker stops')
    }, 8)
    const ids = [await add(), await add()]
    await eventually(() => expect(begun).toHaveLength(2))
    const stopped = worker[Symbol.asyncDispose]()
    gate.resolve()
    await stopped
    expect(await Promise.all(ids.map(stateOf))).toEqual(['completed', 'delayed'])
    expect((await producer.queue.getJob(ids[1] ?? ''))?.attemptsMade).toBe(0)
  })
})

describe('createBatchProducer', () => {
  it('stores a repeated job once', async () => {
    const id = await add()
    await producer.add({ id, name: 'trial', payload: {} })
    expect(await producer.queue.getJobCounts('waiting')).toEqual({ waiting: 1 })
  })

  it('fails within its deadline if Redis is unreachable', async () => {
    const connection = connectProducer({ url: 'redis://127.0.0.1:1', onError: () => undefined })
    const unreachable = createBatchProducer(spec, connection, {
      prefix: keys.prefix,
      deadlineMs: 200,
      replicas: 0,
      onError: () => undefined,
    })
    await expect(unreachable.add({ id: randomUUID(), name: 'trial', payload: {} })).rejects.toThrow(EnqueueError)
    await unreachable[Symbol.asyncDispose]()
    connection.disconnect()
  })

  it('fails within its deadline if Redis hangs', { timeout: 4_000 }, async () => {
    await using stack = new AsyncDisposableStack()
    const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-hanging-redis-'))
    stack.defer(() => rm(dataDir, { recursive: true, force: true }))
    const redis = stack.use(await startRedisServer({ dataDir }))
    const connection = connectProducer({ url: redis.url, onError: () => undefined })
    stack.defer(() => connection.disconnect())
    const settings = { prefix: keys.prefix, deadlineMs: 200, replicas: 0, onError: () => undefined }
    const hanging = stack.use(createBatchProducer(spec, connection, settings))
    await hanging.add({ id: randomUUID(), name: 'trial', payload: {} })
    redis.kill('SIGSTOP')
    stack.defer(() => redis.kill('SIGCONT'))
    const late = hanging.add({ id: randomUUID(), name: 'trial', payload: {} })
    await expect(late).rejects.toThrow(EnqueueError)
  })
})
