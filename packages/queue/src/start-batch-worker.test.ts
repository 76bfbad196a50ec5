import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { eventually } from '@warmhook/testing/eventually'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { createEnvelopes, toEvent } from '@warmhook/testing/webhook-events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBatchProducer, EnqueueError, type BatchProducer } from './batch-producer.ts'
import { handlerQueue } from './catalog.ts'
import { connectConsumer, connectProducer } from './connections.ts'
import { discard, done, hold, retry, type Outcome } from './outcome.ts'
import { createEventRunner, type DeliveryResult } from './create-event-runner.ts'
import { startBatchWorker, UnavailableError } from './start-batch-worker.ts'

const policy = {
  batchMax: 64,
  overlap: 'any batch' as const,
  attempts: 3,
  firstDelayMs: 10,
  maxDelayMs: 20,
  timeoutMs: 5_000,
}
const spec = handlerQueue({ name: 'trial', policy })

// A test of its own, test/poison.test.ts, has jobs whose process dies.
const isolation = {
  split: () => Promise.reject(new Error('not here')),
  handleApart: () => Promise.reject(new Error('not here')),
}

let keys: TestPrefix
let cleanup: AsyncDisposableStack
let producer: BatchProducer<EventBatch>
let records: DeliveryResult[]
let envelope: ReturnType<typeof createEnvelopes>

beforeEach(() => {
  keys = testPrefix()
  cleanup = new AsyncDisposableStack()
  cleanup.use(keys)
  const connection = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => connection.disconnect())
  producer = cleanup.use(
    createBatchProducer(spec, connection, {
      prefix: keys.prefix,
      deadlineMs: 2_000,
      replicas: 0,
      onError: () => undefined,
    }),
  )
  records = []
  envelope = createEnvelopes()
})
afterEach(() => cleanup.disposeAsync())

function events(count: number): MailboxEvent[] {
  return Array.from({ length: count }, (_, index) =>
    toEvent(envelope({ type: 'campaign.updated', account: { id: index } })),
  )
}

async function add(batch: EventBatch): Promise<string> {
  const id = randomUUID()
  await eventually(() =>
    producer.queue.waitUntilReady().then(() => producer.add({ id, name: 'trial', payload: batch })),
  )
  return id
}

interface WorkOptions {
  readonly finished?: ReadonlySet<string>
  readonly concurrency?: number
  readonly timeoutMs?: number
  readonly firstDelayMs?: number
}

/** A worker whose handler gives every event the outcome of `judge`. */
function work(
  judge: (event: MailboxEvent) => Outcome | Promise<Outcome>,
  { finished = new Set<string>(), concurrency = 1, timeoutMs = policy.timeoutMs, firstDelayMs }: WorkOptions = {},
): AsyncDisposable {
  return cleanup.use(
    startBatchWorker({
      spec:
        firstDelayMs === undefined ? spec : { ...spec, policy: { ...policy, firstDelayMs, maxDelayMs: firstDelayMs } },
      connect: () => connectConsumer({ url: keys.redisUrl, onError: () => undefined }),
      prefix: keys.prefix,
      concurrency,
      lockMs: 15_000,
      onError: () => undefined,
      onStuck: () => undefined,
      now: Date.now,
      random: () => 1,
      process: createEventRunner({
        policy: { ...policy, timeoutMs },
        isolation,
        maxConcurrent: 1,
        now: Date.now,
        finished: async () => finished,
        record: async (results) => void records.push(...results),
        handle: async (batch) =>
          new Map(await Promise.all(batch.map(async (event) => [event.id, await judge(event)] as const))),
      }),
    }),
  )
}

const stateOf = async (id: string): Promise<string> => producer.queue.getJobState(id)

describe('a batch', () => {
  it('that fails twice and then succeeds is three attempts and one effect', async () => {
    const [event] = events(1)
    if (event === undefined) throw new Error('one event was made')
    let attempts = 0
    work(() => (++attempts < 3 ? retry('not yet') : done()))
    const id = await add({ events: [event], dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(records.map(({ status }) => status)).toEqual(['failing', 'failing', 'done'])
  })

  it('of fifty with one that fails for good has 49 done once, and a dead letter that Bull Board can retry', async () => {
    const batch = events(50)
    const bad = batch[17]?.id
    let isMended = false
    work((event) => (event.id === bad && !isMended ? discard('no such thing') : done()))
    const id = await add({ events: batch, dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('failed'))
    expect(Map.groupBy(records, ({ status }) => status).get('done')).toHaveLength(49)
    expect(records.filter(({ status }) => status === 'dead').map(({ eventId }) => eventId)).toEqual([bad])
    const job = await producer.queue.getJob(id)
    expect(EventBatch.parse(job?.data).events.map((event) => event.id)).toEqual([bad])
    isMended = true
    await job?.retry()
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(records.at(-1)).toMatchObject({ eventId: bad, status: 'done' })
    expect(records).toHaveLength(51)
  })

  it('tries only what failed again, and keeps what died on the way', async () => {
    const [good, slow, hopeless] = events(3)
    const attempts: string[] = []
    work((event) => {
      attempts.push(event.id)
      if (event.id === hopeless?.id) return discard('no')
      return event.id === slow?.id ? retry('later') : done()
    })
    const id = await add({ events: [good, slow, hopeless].filter((event) => event !== undefined), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('failed'))
    expect(attempts).toEqual([good?.id, slow?.id, hopeless?.id, slow?.id, slow?.id])
    const job = await producer.queue.getJob(id)
    expect(EventBatch.parse(job?.data).events.map((event) => event.id)).toEqual([hopeless?.id, slow?.id])
  })

  it('runs nothing again that is recorded as done', async () => {
    const [first, second] = events(2)
    if (first === undefined || second === undefined) throw new Error('two events were made')
    const handled: string[] = []
    work(
      (event) => {
        handled.push(event.id)
        return done()
      },
      { finished: new Set([first.id]) },
    )
    const id = await add({ events: [first, second], dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(handled).toEqual([second.id])
  })

  it('counts no attempt while a part of ours is away', async () => {
    let failures = 0
    work(() => {
      failures += 1
      if (failures <= 5) throw new UnavailableError('the database is away')
      return done()
    })
    const id = await add({ events: events(1), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(records.map(({ status }) => status)).toEqual(['done'])
  })

  it('is tried again when a handler takes too long and does not heed its signal', { timeout: 20_000 }, async () => {
    let attempts = 0
    work(() => (++attempts === 1 ? new Promise<Outcome>(() => {}) : done()), { timeoutMs: 50 })
    const id = await add({ events: events(1), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'), { timeoutMs: 15_000, intervalMs: 50 })
    expect(records.map(({ status }) => status)).toEqual(['failing', 'done'])
  })

  it('waits as long as a peer asked for', async () => {
    const notBefore = Date.now() + 300
    const times: number[] = []
    work(() => {
      times.push(Date.now())
      return times.length === 1 ? retry('too many requests', notBefore) : done()
    })
    const id = await add({ events: events(1), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(times[1]).toBeGreaterThanOrEqual(notBefore)
  })

  it('does not wait for its own backoff where a peer asked for less', async () => {
    let attempts = 0
    work(() => (++attempts === 1 ? retry('one second, please', Date.now() + 5) : done()), { firstDelayMs: 3_600_000 })
    const id = await add({ events: events(1), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'))
  })
})

describe('an event that is held', () => {
  it("counts no attempt, neither its own nor a neighbour's, and is tried again when the peer asked", async () => {
    const [good, held, late] = events(3)
    let times = 0
    work((event) => {
      if (event.id === good?.id) return done()
      if (event.id === late?.id) return times <= 100 ? retry('not yet') : done()
      return ++times <= 100 ? hold('the token is wrong', Date.now()) : done()
    })
    const id = await add({ events: [good, held, late].filter((event) => event !== undefined), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('completed'), { timeoutMs: 20_000, intervalMs: 50 })
    expect((await producer.queue.getJob(id))?.attemptsMade).toBe(1)
    const failing = records.filter(({ status }) => status === 'failing')
    expect(failing).toHaveLength(200)
    expect(failing.some(({ isAttempt }) => isAttempt)).toBe(false)
    expect(records.filter(({ status }) => status === 'done')).toHaveLength(3)
  })

  it('waits about a minute when the peer does not say how long', async () => {
    work(() => hold('the token is wrong'))
    const before = Date.now()
    const id = await add({ events: events(1), dead: [] })
    await eventually(async () => expect(await stateOf(id)).toBe('delayed'))
    const job = await producer.queue.getJob(id)
    const until = (job?.processedOn ?? 0) + (job?.delay ?? 0)
    expect(until).toBeGreaterThanOrEqual(before + 60_000)
    expect(until).toBeLessThan(before + 90_000)
    expect(records).toMatchObject([{ status: 'failing', note: 'the token is wrong', isAttempt: false }])
  })
})

describe('a worker', () => {
  it('handles jobs together that came while its handler ran', async () => {
    const gate = Promise.withResolvers<void>()
    const calls: number[] = []
    work(
      async () => {
        calls.push(1)
        await gate.promise
        return done()
      },
      { concurrency: 8 },
    )
    const first = await add({ events: events(1), dead: [] })
    await eventually(() => expect(calls).toHaveLength(1))
    const others = await Promise.all([1, 2, 3].map(() => add({ events: events(1), dead: [] })))
    await eventually(async () => expect(await producer.queue.getJobCounts('active')).toEqual({ active: 4 }))
    gate.resolve()
    for (const id of [first, ...others]) await eventually(async () => expect(await stateOf(id)).toBe('completed'))
    expect(records).toHaveLength(4)
  })

  it('finishes what it has begun when it is stopped, and hands back the rest without an attempt', async () => {
    const gate = Promise.withResolvers<void>()
    const handled: string[] = []
    const worker = work(
      async (event) => {
        handled.push(event.id)
        await gate.promise
        return done()
      },
      { concurrency: 8 },
    )
    const begun = await add({ events: events(1), dead: [] })
    await eventually(() => expect(handled).toHaveLength(1))
    const waiting = await add({ events: events(1), dead: [] })
    await eventually(async () => expect(await producer.queue.getJobCounts('active')).toEqual({ active: 2 }))
    const stopped = worker[Symbol.asyncDispose]()
    gate.resolve()
    await stopped
    expect(handled).toHaveLength(1)
    expect(await stateOf(begun)).toBe('completed')
    expect(await stateOf(waiting)).toBe('delayed')
    expect((await producer.queue.getJob(waiting))?.attemptsMade).toBe(0)
  })
})

describe('createBatchProducer', () => {
  it('stores a repeated job once', async () => {
    const id = await add({ events: events(1), dead: [] })
    await producer.add({ id, name: 'trial', payload: { events: events(1), dead: [] } })
    expect(await producer.queue.getJobCounts('waiting')).toEqual({ waiting: 1 })
  })

  it('says so within its deadline when Redis is away', async () => {
    const connection = connectProducer({ url: 'redis://127.0.0.1:1', onError: () => undefined })
    const away = createBatchProducer(spec, connection, {
      prefix: keys.prefix,
      deadlineMs: 200,
      replicas: 0,
      onError: () => undefined,
    })
    await expect(
      away.add({ id: randomUUID(), name: 'trial', payload: { events: events(1), dead: [] } }),
    ).rejects.toThrow(EnqueueError)
    await away[Symbol.asyncDispose]()
    connection.disconnect()
  })

  it('says so within its deadline when Redis hangs', { timeout: 4_000 }, async () => {
    await using stack = new AsyncDisposableStack()
    const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-hanging-redis-'))
    stack.defer(() => rm(dataDir, { recursive: true, force: true }))
    const redis = stack.use(await startRedisServer({ dataDir }))
    const connection = connectProducer({ url: redis.url, onError: () => undefined })
    stack.defer(() => connection.disconnect())
    const settings = { prefix: keys.prefix, deadlineMs: 200, replicas: 0, onError: () => undefined }
    const hanging = stack.use(createBatchProducer(spec, connection, settings))
    await hanging.add({ id: randomUUID(), name: 'trial', payload: { events: events(1), dead: [] } })
    redis.kill('SIGSTOP')
    stack.defer(() => redis.kill('SIGCONT'))
    const late = hanging.add({ id: randomUUID(), name: 'trial', payload: { events: events(1), dead: [] } })
    await expect(late).rejects.toThrow(EnqueueError)
  })
})
