import { randomUUID } from 'node:crypto'
import { connectConsumer, connectProducer } from '@warmhook/queue/connections'
import type { EventRef } from '@warmhook/schema/event-ref'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import { writeOutbox } from '@warmhook/store/outbox/write-outbox'
import { eventually } from '@warmhook/testing/eventually'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { Worker } from 'bullmq'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openHandlerQueues, type HandlerQueues } from './handler-queues.ts'
import { createSweeper, lostAfterMs, type Sweeper } from './sweep-outbox.ts'

const handler = 'pause-tracking'
let store: TestStore
let cleanup: AsyncDisposableStack
let keys: TestPrefix
let queues: HandlerQueues
let sweeper: Sweeper
let room = 1_000
let clock = 0

beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store[Symbol.asyncDispose]())
beforeEach(async () => {
  cleanup = new AsyncDisposableStack()
  keys = cleanup.use(testPrefix())
  const connection = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => connection.disconnect())
  queues = cleanup.use(openHandlerQueues({ connection, prefix: keys.prefix, onError: () => undefined }))
  await eventually(() => connection.ping())
  room = 1_000
  sweeper = createSweeper({ db: store.db, connection, queues, room: { roomFor: () => room }, clock: () => clock })
  for (const table of ['events', 'deliveries', 'outbox'] as const) await store.db.deleteFrom(table).execute()
})
afterEach(() => cleanup.disposeAsync())

const envelope = createEnvelopes()
let campaign = 0

/** Records events that the handler owes as one job, old enough to be checked. */
async function owe(count: number, isQueued = true): Promise<OutboxJob> {
  const routed = Array.from({ length: count }, () =>
    toRouted(envelope({ type: 'campaign.updated', account: { id: ++campaign } }), [handler]),
  )
  const batch = { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 }
  const [job] = (await recordBatch(store.db, batch)).jobs
  if (job === undefined) throw new Error('the events are for one handler')
  await sql`UPDATE outbox SET is_queued = ${isQueued}, created_at = now() - interval '1 hour' WHERE id = ${job.id}`.execute(
    store.db,
  )
  return job
}

function finish(events: readonly EventRef[], settled: readonly string[] = []): Promise<void> {
  const records = events.map(({ id }) => ({ eventId: id, status: 'done' as const, note: undefined }))
  return recordDeliveries(store.db, { handler, startedAt: 0, finishedAt: 1, replayId: undefined, records, settled })
}

const waiting = async (): Promise<readonly (string | undefined)[]> =>
  (await queues.of(handler).queue.getJobs(['waiting'], 0, -1, true)).map((job) => job.id)

/** Checks twice, separated by the longest time that a job can be in progress. */
async function checkTwice(): Promise<number> {
  const first = await sweeper.check()
  clock += lostAfterMs
  return first + (await sweeper.check())
}

describe('the sweeper', () => {
  it('recreates a job that Redis has lost, but only once a job in progress would have ended', async () => {
    const job = await owe(3)
    expect(await sweeper.check()).toBe(0)
    clock += lostAfterMs - 1
    expect(await sweeper.check()).toBe(0)
    clock += 1
    expect(await sweeper.check()).toBe(1)
    expect(await waiting()).toEqual([job.id])
    expect((await queues.of(handler).queue.getJob(job.id))?.name).toBe('campaign.updated ×3')
  })

  it('does not touch a job that is waiting, delayed or in progress', async () => {
    await queues.add(await owe(1))
    expect(await checkTwice()).toBe(0)
    expect(await waiting()).toHaveLength(1)
  })

  it('does not recreate a job whose outcomes are recorded during the check', async () => {
    const job = await owe(2)
    await sweeper.check()
    await finish(job.events, [job.id])
    clock += lostAfterMs
    expect(await sweeper.check()).toBe(0)
    expect(await waiting()).toEqual([])
  })

  it('recreates only what is still owed, and removes jobs that owe nothing', async () => {
    const [half, whole] = [await owe(2), await owe(2)]
    await finish(half.events.slice(0, 1))
    await finish(whole.events)
    expect(await checkTwice()).toBe(1)
    expect((await queues.of(handler).queue.getJob(half.id))?.name).toBe('campaign.updated ×1')
    const rows = await store.db.selectFrom('outbox').select('id').execute()
    expect(rows.map(({ id }) => id)).toEqual([half.id])
  })

  it('recreates a job that ended without an outcome, under the same id', async () => {
    const job = await owe(1)
    const { queue } = queues.of(handler)
    await queue.add('unreadable', { v: 2, events: 'nonsense' }, { jobId: job.id, attempts: 1 })
    const connection = connectConsumer({ url: keys.redisUrl, onError: () => undefined })
    const worker = new Worker(handler, () => Promise.reject(new Error('no')), { connection, prefix: keys.prefix })
    await eventually(async () => expect(await queue.getJobState(job.id)).toBe('failed'))
    await worker.close()
    connection.disconnect()
    expect(await checkTwice()).toBe(1)
    expect(await queue.getJobState(job.id)).toBe('waiting')
    expect((await queue.getJob(job.id))?.data).toMatchObject({ v: 2, events: [['acme', expect.any(String)]] })
  })

  it('feeds jobs that wait for room, oldest first and no more than fit', async () => {
    const jobs = [await owe(1, false), await owe(1, false), await owe(1, false)]
    const oldest = jobs.map(({ id }) => id).toSorted()
    room = 2
    expect(await sweeper.feed()).toBe(2)
    expect(await waiting()).toEqual(expect.arrayContaining(oldest.slice(0, 2)))
    room = 0
    expect(await sweeper.feed()).toBe(0)
    room = 10
    expect(await sweeper.feed()).toBe(1)
    expect(await sweeper.feed()).toBe(0)
    expect(await waiting()).toHaveLength(3)
  })

  it('finds lost jobs among more jobs than it checks at once', async () => {
    const job = await owe(1)
    const many = Array.from({ length: 1_500 }, () => ({ ...job, id: randomUUID() }))
    await writeOutbox(store.db, many)
    await sql`UPDATE outbox SET created_at = now() - interval '1 hour'`.execute(store.db)
    let recreated = 0
    for (let pass = 0; pass < 8; pass += 1) {
      recreated += await sweeper.check()
      clock += lostAfterMs / 2
    }
    expect(recreated).toBe(1_501)
  })
})
