import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { handlerQueue } from '@warmhook/queue/catalog'
import { connectProducer } from '@warmhook/queue/connections'
import { describeBatch } from '@warmhook/schema/batch'
import { newEventJob, writeEventJob } from '@warmhook/schema/event-job'
import { toEventRef, type EventRef } from '@warmhook/schema/event-ref'
import type { Database, Tables } from '@warmhook/store/database'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import { classifyEvents } from '@warmhook/store/events/classify-events'
import { insertEvents, type RoutedEvent } from '@warmhook/store/events/insert-events'
import { migrate } from '@warmhook/store/migrate'
import { openPostgres } from '@warmhook/store/open-database'
import { writeOutbox } from '@warmhook/store/outbox/write-outbox'
import { createDatabase } from '@warmhook/testing/create-database'
import { planWhole } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { sql, type Transaction } from 'kysely'
import { spreadOf } from '../support/spread.ts'
import type { Service } from '../support/start-services.ts'

/** A way of writing down what handlers owe. */
export interface OwedWork {
  readonly name: string
  /** In the transaction that records the events. Returns the names of the jobs. */
  readonly owe: (tx: Transaction<Tables>, events: readonly RoutedEvent[]) => Promise<ReadonlyMap<string, string>>
  /** Which pairs of event and handler have no final outcome. */
  readonly countOwed: (db: Database) => Promise<number>
}

const handlers = ['pause-tracking', 'crm-sync']

/** As it is built: a row for each job, with its events' ids. */
export const outbox: OwedWork = {
  name: 'outbox',
  async owe(tx, events) {
    const jobs = planWhole(events.map(({ event }) => ({ ...toEventRef(event), type: event.type, handlers })))
    await writeOutbox(tx, jobs)
    return new Map(jobs.map(({ id, handler }) => [handler, id]))
  },
  async countOwed(db) {
    const { rows } = await sql<{ owed: string }>`
      SELECT count(*) AS owed FROM outbox o CROSS JOIN LATERAL unnest(o.event_ids) AS owed (event_id)
      WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = owed.event_id AND d.handler = o.handler
        AND d.status IN ('done', 'dead'))`.execute(db)
    return Number(rows[0]?.owed)
  },
}

/** The alternative: a row of `deliveries` for each event and handler, from the beginning. */
export const pendingRows: OwedWork = {
  name: 'pending rows',
  async owe(tx, events) {
    await sql`
      INSERT INTO deliveries (event_id, handler, status, attempts, started_at, finished_at)
      SELECT event_id, handler, 'pending', 0, now(), now()
      FROM unnest(${events.map(({ event }) => event.id)}::uuid[]) AS e (event_id), unnest(${handlers}::text[]) AS h (handler)`.execute(
      tx,
    )
    return new Map()
  },
  async countOwed(db) {
    const { rows } = await sql<{ owed: string }>`
      SELECT count(*) AS owed FROM deliveries WHERE status IN ('pending', 'failing')`.execute(db)
    return Number(rows[0]?.owed)
  },
}

export interface OwedWorkResult {
  readonly perSecond: number
  readonly walBytesPerEvent: number
  /** Of `outbox` and `deliveries`, with their indexes. */
  readonly tableBytesPerEvent: number
  /** Of the question what is owed, beside this history and with 20,000 owed, in ms. */
  readonly countOwedMs: number
}

/** What the router's group and a handler's call usually hold in a backlog. */
const batch = 200
const owedAtOnce = 10_000

/** Routes events and records their outcomes, two batches at a time, then asks what is owed beside a long history. */
export async function measureOwedWork(
  postgres: Service,
  way: OwedWork,
  { events, history }: { readonly events: number; readonly history: number },
): Promise<OwedWorkResult> {
  await using database = await createDatabase(postgres.url)
  const db = openPostgres({ use: 'migrations', url: database.url, poolSize: 4, onError: () => undefined })
  await using _ = { [Symbol.asyncDispose]: () => db.destroy() }
  await migrate(db)
  const next = createBatches()
  const run = async (count: number): Promise<void> => {
    const lane = async (): Promise<void> => {
      for (let done = 0; done < count / 2; done += batch) {
        const routed = next()
        await complete(db, routed, await route(db, routed, way))
      }
    }
    await Promise.all([lane(), lane()])
  }
  await run(events / 4)
  const before = await readState(db)
  const startedAt = performance.now()
  await run(events)
  const seconds = (performance.now() - startedAt) / 1_000
  const after = await readState(db)
  await fill(db, history)
  for (let owed = 0; owed < owedAtOnce; owed += batch) await route(db, next(), way)
  await sql`VACUUM ANALYZE`.execute(db)
  const times: number[] = []
  for (let turn = 0; turn < 11; turn += 1) {
    const askedAt = performance.now()
    const owed = await way.countOwed(db)
    if (owed !== owedAtOnce * handlers.length) throw new Error(`${way.name}: ${owed} are owed`)
    times.push(performance.now() - askedAt)
  }
  return {
    perSecond: events / seconds,
    walBytesPerEvent: (after.wal - before.wal) / events,
    tableBytesPerEvent: (after.tables - before.tables) / events,
    countOwedMs: spreadOf(times).median,
  }
}

function createBatches(): () => readonly RoutedEvent[] {
  const envelope = createEnvelopes()
  let campaign = 0
  return () =>
    Array.from({ length: batch }, () => {
      campaign += 1
      const account = { id: campaign, email: `mailbox${campaign}@example.com`, first_name: 'A', provider_type: 'smtp' }
      return toRouted(envelope({ type: 'campaign.updated', account }), handlers)
    })
}

function route(db: Database, events: readonly RoutedEvent[], way: OwedWork): Promise<ReadonlyMap<string, string>> {
  return db.transaction().execute(async (tx) => {
    await insertEvents(tx, events)
    const ids = events.map(({ event }) => event.id)
    await classifyEvents(tx, ids, 3_600_000)
    return way.owe(tx, events)
  })
}

async function complete(
  db: Database,
  events: readonly RoutedEvent[],
  jobs: ReadonlyMap<string, string>,
): Promise<void> {
  const records = events.map(({ event }) => ({ eventId: event.id, status: 'done' as const, note: undefined }))
  for (const handler of handlers) {
    const job = jobs.get(handler)
    const settled = job === undefined ? [] : [job]
    const now = Date.now()
    await recordDeliveries(db, { handler, startedAt: now, finishedAt: now, replayId: undefined, records, settled })
  }
}

async function readState(db: Database): Promise<{ readonly wal: number; readonly tables: number }> {
  const { rows } = await sql<{ wal: string; tables: string }>`
    SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal,
      pg_total_relation_size('deliveries') + pg_total_relation_size('outbox') AS tables`.execute(db)
  return { wal: Number(rows[0]?.wal), tables: Number(rows[0]?.tables) }
}

/** Deliveries that are done. */
async function fill(db: Database, count: number): Promise<void> {
  await sql`
    INSERT INTO deliveries (event_id, handler, status, attempts, started_at, finished_at)
    SELECT gen_random_uuid(), h.handler, 'done', 1, now(), now()
    FROM generate_series(1, ${count}::int), unnest(${handlers}::text[]) AS h (handler)`.execute(db)
}

/** Bytes of Redis that an event takes in a handler's queue, in jobs of so many. */
export async function measureWaitingBytes(redis: Service, events: number, perJob: number): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const onError = (error: unknown): void => console.error(error)
  const connection = connectProducer({ url: redis.url, onError })
  stack.defer(() => connection.disconnect())
  const policy = { ...producerPolicy, batchMax: perJob }
  const options = { prefix: `bench-${randomUUID()}`, deadlineMs: 60_000, replicas: 0, onError }
  const producer = stack.use(createBatchProducer(handlerQueue({ name: 'crm-sync', policy }), connection, options))
  if (connection.status !== 'ready') await once(connection, 'ready')
  const before = await usedMemory(connection)
  const envelope = createEnvelopes()
  for (let first = 0; first < events; first += perJob) {
    const refs = Array.from({ length: perJob }, (_, index): EventRef =>
      toEventRef({ id: envelope('').id, owner: 'acme', campaignId: 100_000 + first + index }),
    )
    const name = describeBatch(refs.map(() => 'campaign.updated'))
    await producer.add({ id: randomUUID(), name, payload: writeEventJob(newEventJob(refs)) })
  }
  const bytes = ((await usedMemory(connection)) - before) / events
  await producer.queue.obliterate({ force: true })
  return bytes
}

const producerPolicy = {
  overlap: 'any batch',
  attempts: 20,
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  timeoutMs: 0,
} as const

async function usedMemory(connection: ReturnType<typeof connectProducer>): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await connection.info('memory'))?.[1])
}
