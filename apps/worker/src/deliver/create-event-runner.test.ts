import { randomUUID } from 'node:crypto'
import type { HandleEvents } from '@warmhook/handlers/handler'
import { createBatchProducer, type BatchProducer } from '@warmhook/queue/batch-producer'
import { handlerQueue } from '@warmhook/queue/catalog'
import { connectConsumer, connectProducer } from '@warmhook/queue/connections'
import { discard, done, hold, retry, type Outcome } from '@warmhook/queue/outcome'
import { startBatchWorker, UnavailableError } from '@warmhook/queue/start-batch-worker'
import { newEventJob, readEventJob, writeEventJob, type EventJob } from '@warmhook/schema/event-job'
import type { EventRef } from '@warmhook/schema/event-ref'
import { eventually } from '@warmhook/testing/eventually'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEventRunner } from './create-event-runner.ts'

const policy = {
  batchMax: 64,
  overlap: 'any batch' as const,
  attempts: 3,
  firstDelayMs: 10,
  maxDelayMs: 20,
  timeoutMs: 5_000,
}
const name = 'trial'

let store: TestStore
let keys: TestPrefix
let cleanup: AsyncDisposableStack
let connection: Redis
let producer: BatchProducer<unknown>
let envelope: ReturnType<typeof createEnvelopes>

beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store[Symbol.asyncDispose]())
beforeEach(async () => {
  keys = testPrefix()
  cleanup = new AsyncDisposableStack()
  cleanup.use(keys)
  connection = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => connection.disconnect())
  const options = { prefix: keys.prefix, deadlineMs: 2_000, replicas: 0, onError: () => undefined }
  producer = cleanup.use(createBatchProducer(handlerQueue({ name, policy }), connection, options))
  envelope = createEnvelopes()
  for (const table of ['events', 'deliveries', 'outbox'] as const) await store.db.deleteFrom(table).execute()
})
afterEach(() => cleanup.disposeAsync())

let campaign = 0

/** Records events that the handler owes as one job, and returns it. */
async function arrive(count: number): Promise<{ readonly id: string; readonly events: readonly EventRef[] }> {
  const routed = Array.from({ length: count }, () =>
    toRouted(envelope({ type: 'campaign.updated', account: { id: ++campaign } }), [name]),
  )
  const batch = { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 }
  const [job] = (await recordBatch(store.db, batch)).jobs
  if (job === undefined) throw new Error('the events are for one handler')
  return job
}

function put(id: string, payload: unknown): Promise<void> {
  return eventually(() => producer.queue.waitUntilReady().then(() => producer.add({ id, name, payload })))
}

async function add(count: number) {
  const { id, events } = await arrive(count)
  await put(id, writeEventJob(newEventJob(events)))
  return { id, events }
}

interface WorkOptions {
  readonly concurrency?: number
  readonly policy?: Partial<typeof policy>
}

/** A worker whose handler returns `outcomeOf` for every event. */
function work(
  outcomeOf: (event: EventRef) => Outcome | Promise<Outcome>,
  { concurrency = 1, policy: changed }: WorkOptions = {},
): AsyncDisposable {
  const handle: HandleEvents = async (batch) =>
    new Map(await Promise.all(batch.map(async (event) => [event.id, await outcomeOf(event)] as const)))
  const handler = { name, subscribes: [], policy: { ...policy, ...changed }, handle }
  return cleanup.use(
    startBatchWorker({
      spec: handlerQueue(handler),
      connect: () => connectConsumer({ url: keys.redisUrl, onError: () => undefined }),
      prefix: keys.prefix,
      concurrency,
      lockMs: 15_000,
      onError: () => undefined,
      watch: { redis: connection, everyMs: 5_000, stuckAfterMs: 60_000 },
      onStuck: () => undefined,
      stopMs: 10_000,
      now: Date.now,
      random: () => 1,
      process: createEventRunner({
        handler,
        db: store.db,
        maxConcurrent: 1,
        handleInSandbox: undefined,
        add: (job) => producer.add(job),
        observe: () => undefined,
        now: Date.now,
        random: () => 1,
      }),
    }),
  )
}

const stateOf = async (id: string): Promise<string> => producer.queue.getJobState(id)
const reach = (id: string, state: string): Promise<void> =>
  eventually(async () => expect(await stateOf(id)).toBe(state), { timeoutMs: 10_000, intervalMs: 20 })

async function jobOf(id: string): Promise<EventJob> {
  const reading = readEventJob((await producer.queue.getJob(id))?.data)
  if (reading.status !== 'read') throw new Error('the runner writes nothing unreadable')
  return reading.job
}

function deliveries() {
  return store.db.selectFrom('deliveries').select(['event_id', 'status', 'attempts', 'error']).execute()
}

async function owed(): Promise<readonly string[]> {
  return (await store.db.selectFrom('outbox').select('id').execute()).map(({ id }) => id)
}

describe('a job', () => {
  it('that fails twice and then succeeds has three attempts and one effect, and then owes nothing', async () => {
    let attempts = 0
    work(() => (++attempts < 3 ? retry('not yet') : done()))
    const { id } = await add(1)
    await reach(id, 'completed')
    expect(await deliveries()).toMatchObject([{ status: 'done', attempts: 3 }])
    expect(await owed()).toEqual([])
  })

  it('with fifty events, one of which fails for good, handles 49 once and leaves a dead letter that Bull Board can retry', async () => {
    const { id, events } = await arrive(50)
    const bad = events[17]?.id
    let isFixed = false
    const handled: string[] = []
    work((event) => {
      handled.push(event.id)
      return event.id === bad && !isFixed ? discard('no such thing') : done()
    })
    await put(id, writeEventJob(newEventJob(events)))
    await reach(id, 'failed')
    expect((await deliveries()).filter(({ status }) => status === 'dead').map((row) => row.event_id)).toEqual([bad])
    expect((await jobOf(id)).events.map((event) => event.id)).toEqual([bad])
    expect(await owed()).toEqual([])
    isFixed = true
    await (await producer.queue.getJob(id))?.retry()
    await reach(id, 'completed')
    expect((await deliveries()).every(({ status }) => status === 'done')).toBe(true)
    expect(handled).toHaveLength(51)
  })

  it('retries only the events that failed, and keeps those that are dead', async () => {
    const { id, events } = await arrive(3)
    const [good, slow, hopeless] = events
    const attempts: string[] = []
    work((event) => {
      attempts.push(event.id)
      if (event.id === hopeless?.id) return discard('no')
      return event.id === slow?.id ? retry('later') : done()
    })
    await put(id, writeEventJob(newEventJob(events)))
    await reach(id, 'failed')
    expect(attempts).toEqual([good?.id, slow?.id, hopeless?.id, slow?.id, slow?.id])
    expect((await jobOf(id)).events.map((event) => event.id)).toEqual([hopeless?.id, slow?.id])
  })

  it('owes all its events until the last one is finished', async () => {
    const gate = Promise.withResolvers<void>()
    const { id, events } = await arrive(2)
    work(async (event) => {
      if (event.id === events[0]?.id) return done()
      if ((await deliveries()).length === 0) return retry('later', Date.now())
      await gate.promise
      return done()
    })
    await put(id, writeEventJob(newEventJob(events)))
    await eventually(async () => expect(await deliveries()).toHaveLength(2))
    expect(await owed()).toEqual([id])
    gate.resolve()
    await reach(id, 'completed')
    expect(await owed()).toEqual([])
  })

  it('does not repeat events that are recorded as done', async () => {
    const handled: string[] = []
    work((event) => {
      handled.push(event.id)
      return done()
    })
    const { id, events } = await add(2)
    await reach(id, 'completed')
    await put('again', writeEventJob(newEventJob(events)))
    await reach('again', 'completed')
    expect(handled).toHaveLength(2)
  })

  it('counts attempts and schedules retries per event', async () => {
    const { id, events } = await arrive(2)
    const [quick] = events
    const counts = new Map<string, number>()
    work(
      (event) => {
        const count = (counts.get(event.id) ?? 0) + 1
        counts.set(event.id, count)
        if (event.id === quick?.id) return count < 10 ? hold('wait', Date.now()) : done()
        return retry('refused')
      },
      { policy: { firstDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
    )
    await put(id, writeEventJob(newEventJob(events)))
    await eventually(async () => expect((await deliveries()).map(({ status }) => status)).toContain('done'))
    await reach(id, 'delayed')
    expect([...counts.values()].toSorted((a, b) => a - b)).toEqual([1, 10])
    expect([...(await jobOf(id)).progress.values()]).toMatchObject([{ attempts: 1 }])
  })

  it('counts no attempt if the infrastructure fails, even in the handler', async () => {
    let failures = 0
    work(() => {
      failures += 1
      if (failures === 1) throw new UnavailableError('the database is unreachable')
      if (failures === 2) throw Object.assign(new Error('too many clients'), { code: '53300', severity: 'FATAL' })
      if (failures === 3) throw new Error('timeout exceeded when trying to connect')
      if (failures === 4) throw Object.assign(new Error('statement timeout'), { code: '57014', severity: 'ERROR' })
      return done()
    })
    const { id } = await add(1)
    await reach(id, 'completed')
    expect(await deliveries()).toMatchObject([{ status: 'done', attempts: 1 }])
  })

  it('is retried if the handler takes too long and ignores its signal', { timeout: 20_000 }, async () => {
    let attempts = 0
    work(() => (++attempts === 1 ? new Promise<Outcome>(() => {}) : done()), { policy: { timeoutMs: 50 } })
    const { id } = await add(1)
    await reach(id, 'completed')
    expect(await deliveries()).toMatchObject([{ status: 'done', attempts: 2 }])
  })

  it('uses a peer’s shorter delay instead of its own backoff', async () => {
    let attempts = 0
    work(() => (++attempts === 1 ? retry('one moment, please', Date.now() + 5) : done()), {
      policy: { firstDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
    })
    const { id } = await add(1)
    await reach(id, 'completed')
    expect(attempts).toBe(2)
  })

  it('that is not due yet waits, even if a worker takes it', async () => {
    const { id, events } = await arrive(1)
    const notBefore = Date.now() + 300
    const times: number[] = []
    work(() => {
      times.push(Date.now())
      return done()
    })
    const progress = new Map(events.map((event) => [event.id, { attempts: 1, notBefore }]))
    await put(id, writeEventJob({ ...newEventJob(events), progress }))
    await reach(id, 'completed')
    expect(times[0]).toBeGreaterThanOrEqual(notBefore)
  })
})

describe('an event that is held', () => {
  it('counts no attempt, and does not affect the other events of the job', async () => {
    const { id, events } = await arrive(3)
    const [good, held, late] = events
    let times = 0
    let tries = 0
    work((event) => {
      if (event.id === good?.id) return done()
      if (event.id === late?.id) return ++tries < 3 ? retry('not yet', Date.now()) : done()
      return ++times <= 100 ? hold('the token is wrong', Date.now()) : done()
    })
    await put(id, writeEventJob(newEventJob(events)))
    await reach(id, 'completed')
    const attempts = new Map((await deliveries()).map((row) => [row.event_id, `${row.status} ${row.attempts}`]))
    expect(events.map((event) => attempts.get(event.id))).toEqual(['done 1', 'done 1', 'done 3'])
    expect([held?.id, times]).toEqual([held?.id, 101])
  })

  it('waits about a minute if the peer does not say how long, and records the reason', async () => {
    work(() => hold('the token is wrong'))
    const before = Date.now()
    const { id } = await add(1)
    await reach(id, 'delayed')
    const [progress] = (await jobOf(id)).progress.values()
    expect(progress?.notBefore).toBeGreaterThanOrEqual(before + 60_000)
    expect(progress?.notBefore).toBeLessThan(before + 90_000)
    expect(await deliveries()).toMatchObject([{ status: 'failing', error: 'the token is wrong', attempts: 0 }])
  })
})

describe('a job of another version', () => {
  /** The format of jobs before they contained references. */
  async function whole(count: number) {
    const { id, events } = await arrive(count)
    await store.db.deleteFrom('outbox').execute()
    const rows = await store.db.selectFrom('events').select(['id', 'event']).execute()
    const byId = new Map(rows.map((row) => [row.id, row.event]))
    return { id, events, payload: { events: events.map((event) => byId.get(event.id)), dead: [] } }
  }

  it('that contains complete events is processed', async () => {
    work(() => done())
    const { id, payload } = await whole(3)
    await put(id, payload)
    await reach(id, 'completed')
    expect(await deliveries()).toHaveLength(3)
  })

  it('that contains complete events is owed from its first failure on', async () => {
    let isFixed = false
    work(() => (isFixed ? done() : retry('not yet', Date.now() + 50)), { policy: { attempts: 1_000 } })
    const { id, payload } = await whole(1)
    await put(id, payload)
    await eventually(async () => expect(await owed()).toEqual([id]))
    isFixed = true
    await reach(id, 'completed')
    expect(await owed()).toEqual([])
  })

  it('is left to the workers of that version if it is later, without counting an attempt', async () => {
    const handled: string[] = []
    work((event) => {
      handled.push(event.id)
      return done()
    })
    const { id } = await arrive(1)
    await put(id, { v: 3, anything: 'else' })
    await reach(id, 'delayed')
    expect((await producer.queue.getJob(id))?.attemptsMade).toBe(0)
    expect(handled).toEqual([])
  })

  it('with unknown keys is processed', async () => {
    work(() => done())
    const { id, events } = await arrive(1)
    await put(id, { ...writeEventJob(newEventJob(events)), later: true })
    await reach(id, 'completed')
    expect(await deliveries()).toMatchObject([{ status: 'done' }])
  })

  it('fails visibly if it cannot be read, and stays owed', async () => {
    work(() => done())
    const { id } = await arrive(1)
    await put(id, { v: 2, events: 'nonsense' })
    await reach(id, 'failed')
    expect(await owed()).toEqual([id])
  })
})

describe('a worker', () => {
  it('handles jobs together that arrived while its handler ran', async () => {
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
    const first = await add(1)
    await eventually(() => expect(calls).toHaveLength(1))
    const others = await Promise.all([1, 2, 3].map(() => add(1)))
    await eventually(async () => expect(await producer.queue.getJobCounts('active')).toEqual({ active: 4 }))
    gate.resolve()
    for (const { id } of [first, ...others]) await reach(id, 'completed')
    expect(await deliveries()).toHaveLength(4)
  })
})
