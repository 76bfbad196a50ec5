import { randomUUID } from 'node:crypto'
import { connectProducer } from '@warmhook/queue/connections'
import type { Envelope } from '@warmhook/schema/envelope'
import { readEventJob } from '@warmhook/schema/event-job'
import { finishedEventIds } from '@warmhook/store/deliveries/finished-event-ids'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import { eventually } from '@warmhook/testing/eventually'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enqueueJobs } from './enqueue-jobs.ts'
import { openHandlerQueues, type HandlerQueues } from './handler-queues.ts'
import { createSweeper, lostAfterMs } from './sweep-outbox.ts'

const handlers = ['first', 'second']
const types = ['campaign.updated', 'campaign.connection.problematic'] as const

let cleanup: AsyncDisposableStack
let store: TestStore
let queues: HandlerQueues
let connection: ReturnType<typeof connectProducer>

beforeAll(async () => {
  cleanup = new AsyncDisposableStack()
  store = cleanup.use(await openTestStore())
  const keys = cleanup.use(testPrefix())
  connection = connectProducer({ url: keys.redisUrl, onError: () => undefined })
  cleanup.defer(() => connection.disconnect())
  queues = cleanup.use(openHandlerQueues({ connection, prefix: keys.prefix, onError: () => undefined }))
  await eventually(() => connection.ping())
})
afterAll(() => cleanup.disposeAsync())

/** What happens to a batch: it is routed, and its jobs are added, rejected by Redis or never sent. */
interface Step {
  readonly batch: number
  readonly jobs: 'added' | 'refused' | 'never tried'
  /** Redis loses everything after this step. */
  readonly isWiped: boolean
  /** Workers run after this step. */
  readonly isWorked: boolean
}

const refusing: HandlerQueues = {
  of: (handler) => queues.of(handler),
  add: () => Promise.reject(new Error('Redis is full')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

async function route(envelopes: readonly Envelope[], id: string, jobs: Step['jobs']): Promise<void> {
  const events = envelopes.map((envelope) => toRouted(envelope, handlers))
  const batch = { id, isReplay: false, events, refused: [], dedupeWindowMs: 3_600_000 }
  const recorded = await recordBatch(store.db, batch)
  if (jobs === 'never tried') return
  const into = jobs === 'added' ? queues : refusing
  await enqueueJobs(recorded.jobs, { db: store.db, queues: into, onError: () => undefined })
}

/** Processes every job in Redis, and counts each effect. */
async function work(effects: Map<string, number>): Promise<void> {
  for (const handler of handlers) {
    for (const job of await queues.of(handler).queue.getJobs(['waiting'], 0, -1, true)) {
      const reading = readEventJob(job.data)
      if (reading.status !== 'read') throw new Error('every job can be read')
      const ids = reading.job.events.map(({ id }) => id)
      const finished = await finishedEventIds(store.db, handler, ids)
      const records = ids
        .filter((id) => !finished.has(id))
        .map((eventId) => ({ eventId, status: 'done' as const, note: undefined }))
      for (const { eventId } of records)
        effects.set(`${eventId} ${handler}`, (effects.get(`${eventId} ${handler}`) ?? 0) + 1)
      const settled = [job.id ?? '']
      await recordDeliveries(store.db, { handler, startedAt: 0, finishedAt: 1, replayId: undefined, records, settled })
      await job.remove()
    }
  }
}

async function wipe(): Promise<void> {
  for (const handler of handlers) await queues.of(handler).queue.obliterate({ force: true })
}

describe('owed work', () => {
  it(
    'is done once for every event that is not a duplicate, even if jobs are routed again, late, rejected or lost',
    { timeout: 180_000 },
    async () => {
      const history = fc.array(fc.constantFrom(...types), { minLength: 1, maxLength: 6 })
      const steps = fc.array(
        fc.record<Step>({
          batch: fc.nat(3),
          jobs: fc.constantFrom('added', 'refused', 'never tried'),
          isWiped: fc.boolean(),
          isWorked: fc.boolean(),
        }),
        { minLength: 1, maxLength: 8 },
      )
      let campaign = 0
      await fc.assert(
        fc.asyncProperty(
          history,
          steps,
          fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
          async (kinds, order, cut) => {
            for (const table of ['events', 'deliveries', 'outbox'] as const) await store.db.deleteFrom(table).execute()
            await wipe()
            campaign += 1
            const envelope = createEnvelopes()
            const envelopes = kinds.map((type) => envelope({ type, reason: 'Smtp', account: { id: campaign } }))
            const batches = [0, 1, 2, 3].map((batch) => ({
              id: randomUUID(),
              envelopes: envelopes.filter((_, index) => cut[index] === batch),
            }))
            const effects = new Map<string, number>()
            let clock = 0
            const sweeper = createSweeper({
              db: store.db,
              connection,
              queues,
              room: { roomFor: () => 100 },
              clock: () => clock,
            })
            const last: Step[] = batches.map((_, batch) => ({
              batch,
              jobs: 'never tried',
              isWiped: false,
              isWorked: false,
            }))
            for (const step of [...order, ...last]) {
              const batch = batches[step.batch]
              if (batch === undefined || batch.envelopes.length === 0) continue
              await route(batch.envelopes, batch.id, step.jobs)
              if (step.isWiped) await wipe()
              if (step.isWorked) await work(effects)
            }
            await sql`UPDATE outbox SET created_at = now() - interval '1 hour'`.execute(store.db)
            for (let pass = 0; pass < 3; pass += 1) {
              await sweeper.feed()
              await sweeper.check()
              await work(effects)
              clock += lostAfterMs
            }
            expect(await store.db.selectFrom('outbox').selectAll().execute()).toEqual([])
            const kept = kinds.flatMap((type, index) => (kinds[index - 1] === type ? [] : [envelopes[index]?.id ?? '']))
            const missed = kept
              .flatMap((id) => handlers.map((handler) => `${id} ${handler}`))
              .filter((key) => !effects.has(key))
            expect(missed).toEqual([])
            expect([...effects.values()].every((count) => count === 1)).toBe(true)
          },
        ),
        { numRuns: 25 },
      )
    },
  )
})
