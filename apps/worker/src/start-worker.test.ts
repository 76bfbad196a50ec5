import { randomUUID } from 'node:crypto'
import type { ActiveHandler } from '@warmhook/handlers/registry'
import { createBatchProducer, type BatchProducer } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue } from '@warmhook/queue/catalog'
import { connectProducer } from '@warmhook/queue/connections'
import { done } from '@warmhook/queue/outcome'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import { EventType } from '@warmhook/schema/mailbox-event'
import { eventually } from '@warmhook/testing/eventually'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { createEnvelopes } from '@warmhook/testing/webhook-events'
import { createLogger } from '@warmhook/telemetry/logger'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'

const policy = {
  batchMax: 100,
  overlap: 'any batch' as const,
  attempts: 5,
  firstDelayMs: 10,
  maxDelayMs: 100,
  timeoutMs: 5_000,
}
const patience = { timeoutMs: 60_000, intervalMs: 50 }

let cleanup: AsyncDisposableStack
let keys: TestPrefix
let store: TestStore
let connection: Redis
let intake: BatchProducer<EnvelopeBatch>
let campaign = 0

beforeEach(async () => {
  cleanup = new AsyncDisposableStack()
  keys = cleanup.use(testPrefix())
  store = cleanup.use(await openTestStore())
  connection = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => connection.disconnect())
  intake = cleanup.use(createBatchProducer(intakeQueue, connection, options()))
  await eventually(() => connection.ping())
}, 60_000)
afterEach(() => cleanup.disposeAsync(), 60_000)

function options() {
  return { prefix: keys.prefix, deadlineMs: 5_000, replicas: 0, onError: () => undefined }
}

/** A handler that counts how often it receives each event. */
function counting(name: string) {
  const counts = new Map<string, number>()
  const handler: ActiveHandler = {
    name,
    subscribes: EventType.options,
    policy,
    handle: async (events) => {
      for (const { id } of events) counts.set(id, (counts.get(id) ?? 0) + 1)
      return new Map(events.map(({ id }) => [id, done()]))
    },
  }
  return { handler, counts }
}

function work(handlers: readonly ActiveHandler[], isOnlyWorker = false) {
  const settings = {
    redisUrl: keys.redisUrl,
    host: '127.0.0.1',
    port: 0,
    prefix: keys.prefix,
    dedupeWindowMs: 0,
    retentionDays: 90,
    maxBodyBytes: 262_144,
    queues: undefined,
    concurrency: 4,
    lockMs: 5_000,
    reconcileEveryMs: 900_000,
    recheckAfterMs: undefined,
  }
  return startWorker(settings, {
    db: store.db,
    handlers,
    mailivery: new Map(),
    log: createLogger('test', 'silent'),
    sandbox: undefined,
    isOnlyWorker,
    onStuck: () => undefined,
    now: Date.now,
    random: Math.random,
  })
}

const envelope = createEnvelopes()

/** Adds events to the intake, and returns their ids. */
async function send(count: number): Promise<readonly string[]> {
  const envelopes = Array.from({ length: count }, () =>
    envelope({ type: 'campaign.connection.problematic', reason: 'Smtp', account: { id: ++campaign } }),
  )
  await intake.add({ id: randomUUID(), name: `mailivery ×${count}`, payload: { envelopes } })
  return envelopes.map(({ id }) => id)
}

const queueOf = (name: string) =>
  cleanup.use(createBatchProducer(handlerQueue({ name, policy }), connection, options())).queue

const owed = async (): Promise<number> => (await store.db.selectFrom('outbox').select('id').execute()).length

function settled(counts: ReadonlyMap<string, number>, ids: readonly string[]): Promise<void> {
  return eventually(async () => {
    expect(ids.filter((id) => !counts.has(id))).toEqual([])
    expect(await owed()).toBe(0)
  }, patience)
}

describe('a worker', { timeout: 150_000 }, () => {
  it('passes every event to every handler once, and then owes nothing', async () => {
    const [first, second] = [counting('first'), counting('second')]
    await using _ = await work([first.handler, second.handler])
    const ids = [...(await send(100)), ...(await send(1))]
    await settled(first.counts, ids)
    await settled(second.counts, ids)
    expect([...first.counts.values(), ...second.counts.values()].every((count) => count === 1)).toBe(true)
  })

  it('does all owed work once after Redis has lost the handler queues', async () => {
    const { handler, counts } = counting('first')
    const queue = queueOf('first')
    await queue.pause()
    await using _ = await work([handler])
    const ids = await send(100)
    await eventually(async () => expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 }), patience)
    for (const key of await connection.keys(`${keys.prefix}:first:*`)) await connection.del(key)
    await settled(counts, ids)
    expect([...counts.values()].every((count) => count === 1)).toBe(true)
  })

  it('routes events to a handler that is only configured in another worker', async () => {
    const [own, other] = [counting('own'), counting('other')]
    await (await work([own.handler, other.handler]))[Symbol.asyncDispose]()
    const ids = await (async () => {
      await using _ = await work([own.handler])
      const sent = await send(10)
      await eventually(() => expect(own.counts.size).toBe(10), patience)
      return sent
    })()
    expect(other.counts.size).toBe(0)
    await using _ = await work([own.handler, other.handler])
    await settled(other.counts, ids)
    expect([...own.counts.values()].every((count) => count === 1)).toBe(true)
  })

  it('that is the only one switches off handlers that it has no settings for', async () => {
    const [own, other] = [counting('own'), counting('other')]
    await (await work([own.handler, other.handler]))[Symbol.asyncDispose]()
    await using _ = await work([own.handler], true)
    const ids = await send(3)
    await settled(own.counts, ids)
    expect(await store.db.selectFrom('events').select('handlers').execute()).toEqual(
      ids.map(() => ({ handlers: ['own'] })),
    )
  })

  it('feeds jobs that had to wait for room, and a replay', async () => {
    const { handler, counts } = counting('first')
    await using _ = await work([handler])
    const ids = await send(10)
    await settled(counts, ids)
    await store.db
      .insertInto('outbox')
      .values({ id: randomUUID(), handler: 'first', event_ids: [...ids], replay_id: randomUUID(), is_queued: false })
      .execute()
    await eventually(() => expect([...counts.values()].every((count) => count === 2)).toBe(true), patience)
    await settled(counts, ids)
  })
})
