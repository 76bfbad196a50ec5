import { randomUUID } from 'node:crypto'
import { eventually } from '@warmhook/testing/eventually'
import { startTcpProxy, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBatchProducer, type BatchProducer } from './batch-producer.ts'
import { handlerQueue } from './catalog.ts'
import { connectConsumer, connectProducer } from './connections.ts'
import { startBatchWorker, UnavailableError, type BatchWorker } from './start-batch-worker.ts'

const policy = {
  batchMax: 64,
  overlap: 'any batch' as const,
  attempts: 3,
  firstDelayMs: 10,
  maxDelayMs: 20,
  timeoutMs: 5_000,
}
const spec = handlerQueue({ name: 'trial', policy })
const longWait = { timeoutMs: 15_000, intervalMs: 20 }

let keys: TestPrefix
let cleanup: AsyncDisposableStack
let direct: Redis
let proxy: TcpProxy
let producer: BatchProducer<unknown>
let errors: string[]
let stuck: string[]

beforeEach(async () => {
  keys = testPrefix()
  cleanup = new AsyncDisposableStack()
  cleanup.use(keys)
  const { hostname, port } = new URL(keys.redisUrl)
  proxy = cleanup.use(await startTcpProxy({ host: hostname, port: Number(port) }))
  direct = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => direct.disconnect())
  await eventually(() => expect(direct.status).toBe('ready'))
  const { prefix } = keys
  producer = cleanup.use(
    createBatchProducer(spec, direct, { prefix, deadlineMs: 2_000, replicas: 0, onError: () => undefined }),
  )
  errors = []
  stuck = []
})
afterEach(() => cleanup.disposeAsync())

interface WorkOptions {
  readonly connect?: () => Redis
  readonly stuckAfterMs?: number
  readonly stopMs?: number
}

function work(
  process: () => Promise<void>,
  {
    connect = () => connectConsumer({ url: keys.redisUrl, onError: () => undefined }),
    stuckAfterMs = 700,
    stopMs = 5_000,
  }: WorkOptions = {},
): BatchWorker {
  return cleanup.use(
    startBatchWorker({
      spec,
      connect,
      prefix: keys.prefix,
      concurrency: 4,
      lockMs: 1_000,
      process,
      onError: (error) => void errors.push(`${error.name}: ${error.message}`),
      watch: { redis: direct, everyMs: 50, stuckAfterMs },
      onStuck: (error) => void stuck.push(error.message),
      stopMs,
      now: Date.now,
      random: () => 1,
    }),
  )
}

/** A connection that is not replaced when it goes silent. */
function connectUnguarded(): Redis {
  const url = new URL(keys.redisUrl)
  url.host = `127.0.0.1:${proxy.port}`
  return new Redis(url.href, { maxRetriesPerRequest: null, disconnectTimeout: 100 }).on('error', () => undefined)
}

async function add(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await producer.add({ id: randomUUID(), name: 'trial', payload: {} })
}

const counts = () => producer.queue.getJobCounts('waiting', 'active', 'completed', 'delayed')

describe('the watchdog of a worker', () => {
  it('opens new connections when the old ones hang, even though its own connection works', async () => {
    work(async () => undefined, { connect: connectUnguarded })
    await add(1)
    await eventually(async () => expect(await counts()).toMatchObject({ completed: 1 }), longWait)
    proxy.silence('command', 'answer')
    await add(3)
    await eventually(async () => expect(await counts()).toMatchObject({ completed: 4 }), longWait)
    expect(errors.join()).toContain('WorkerStuckError')
    expect(stuck).toEqual([])
  })

  it('requests a new process when new connections hang as well', async () => {
    work(async () => undefined, { connect: connectUnguarded })
    await eventually(() => expect(proxy.liveLinks).toBe(2))
    proxy.silence('command', 'answer')
    proxy.swallows = true
    await add(3)
    await eventually(() => expect(stuck.join()).toMatch(/trial: 3 jobs waiting, 0 in progress/), longWait)
    proxy.resetAll()
  })

  it('requests a new process when jobs in progress hang and none are waiting', async () => {
    const worker = work(() => new Promise(() => undefined), { stopMs: 3_100 })
    await add(2)
    await eventually(async () => expect(await counts()).toMatchObject({ waiting: 0, active: 2 }))
    await eventually(() => expect(stuck.join()).toMatch(/2 in progress/), longWait)
    expect(worker.isConsuming).toBe(false)
  })

  it('does not report jobs that take long but finish', async () => {
    let ended = 0
    work(async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      ended += 1
    })
    await add(12)
    await eventually(() => expect(ended).toBe(12), longWait)
    expect([...errors, ...stuck]).toEqual([])
  })
})

describe('a worker that is stopped', () => {
  it('hands back unstarted work immediately, and leaves unfinished work to other workers', async () => {
    let begun = 0
    let isStopping: (() => boolean) | undefined
    const worker = startBatchWorker({
      spec,
      connect: () => connectConsumer({ url: keys.redisUrl, onError: () => undefined }),
      prefix: keys.prefix,
      concurrency: 4,
      lockMs: 1_000,
      process: async (context) => {
        isStopping = context.isStopping
        begun += 1
        if (begun === 1) return new Promise(() => undefined)
        await eventually(() => expect(context.isStopping()).toBe(true))
        throw new UnavailableError('handed back')
      },
      onError: (error) => void errors.push(error.message),
      watch: { redis: direct, everyMs: 50, stuckAfterMs: 60_000 },
      onStuck: () => undefined,
      stopMs: 3_500,
      now: Date.now,
      random: () => 1,
    })
    await add(3)
    await eventually(() => expect(begun).toBe(3))
    await worker[Symbol.asyncDispose]()
    expect(isStopping?.()).toBe(true)
    expect(errors.join()).toMatch(
      /trial: the worker was forced to stop: 1 jobs did not finish within 0.5 s and are left to other workers/,
    )
    expect(await counts()).toMatchObject({ active: 1 })
    await add(1)
    expect((await counts())['waiting']).toBeGreaterThan(0)
  })

  it('stops in time while Redis is unreachable', async () => {
    const { promise: taken, resolve: take } = Promise.withResolvers<void>()
    const worker = work(async () => take(), {
      connect: () => connectConsumer({ url: `redis://127.0.0.1:${proxy.port}`, onError: () => undefined }),
    })
    await add(1)
    await taken
    // It has finished the job and waits for the next one.
    await eventually(async () => expect(await counts()).toMatchObject({ active: 0 }))
    proxy.refuses = true
    proxy.resetAll()
    // Its connections cannot be restored: the test is that it stops at all.
    await worker[Symbol.asyncDispose]()
    expect(stuck).toEqual([])
  })
})
