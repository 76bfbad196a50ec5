import { randomUUID } from 'node:crypto'
import type { Outcome } from '@warmhook/queue/outcome'
import { naiveTimeline } from '@warmhook/schema/fixtures/naive-timeline'
import type { Envelope } from '@warmhook/schema/envelope'
import { MailboxStatus, type MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { RoutedEvent } from '@warmhook/store/events/insert-events'
import { lockMailboxes } from '@warmhook/store/lock-mailboxes'
import { eventually } from '@warmhook/testing/eventually'
import { recordBatch } from '@warmhook/testing/record-batch'
import type { EventRef } from '@warmhook/schema/event-ref'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { handlerDeps } from '../fixtures/handler-deps.ts'
import type { HandleEvents } from '../handler.ts'
import { pauseTracking } from './handler.ts'

const account = { id: 218, email: 'a@b.example', provider_type: 'smtp' }
const problem = { type: 'campaign.connection.problematic', reason: 'Smtp Connection Error', account }
const updated = { type: 'campaign.updated', account: { id: 218, email: 'a@b.example' } }

function createHandle(db: Database): HandleEvents {
  const handle = pauseTracking.create({}, handlerDeps(db))
  if (handle === undefined) throw new Error('pause tracking is never off')
  return handle
}

const never = new AbortController().signal
const hourMs = 3_600_000

/** Records events and returns those that the router passes to the handlers. */
async function record(
  db: Database,
  events: readonly RoutedEvent[],
  dedupeWindowMs: number,
): Promise<readonly EventRef[]> {
  const batch = { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs }
  return (await recordBatch(db, batch)).forHandlers
}

describe.each(engines)('pause tracking on %s', (engine) => {
  let store: TestStore
  let handle: HandleEvents
  let envelope: ReturnType<typeof createEnvelopes>
  // One for all tests: to open a PGlite takes seconds on a busy machine.
  beforeAll(async () => {
    store = await openTestStore(engine)
  })
  afterAll(() => store[Symbol.asyncDispose]())
  beforeEach(async () => {
    for (const table of ['events', 'mailboxes', 'pauses'] as const) await store.db.deleteFrom(table).execute()
    handle = createHandle(store.db)
    envelope = createEnvelopes()
  })

  /** Records bodies as events, in arrival order. */
  async function arrive(...bodies: object[]): Promise<readonly EventRef[]> {
    const routed = bodies.map((body) => toRouted(envelope(body)))
    return route(routed, hourMs)
  }

  function route(events: readonly RoutedEvent[], dedupeWindowMs: number): Promise<readonly EventRef[]> {
    return record(store.db, events, dedupeWindowMs)
  }

  it('records a pause with its reason, category and times', async () => {
    const events = await arrive(problem)
    const outcomes: ReadonlyMap<string, Outcome> = await handle(events, never)
    expect([...outcomes.values()]).toEqual([{ status: 'done' }])
    expect(await store.db.selectFrom('pauses').selectAll().execute()).toMatchObject([
      {
        owner: 'acme',
        reason: 'Smtp Connection Error',
        reasons: ['Smtp Connection Error'],
        category: 'smtp_connection',
        closed_by: null,
      },
    ])
    expect(await store.db.selectFrom('mailboxes').selectAll().execute()).toMatchObject([
      { status: 'paused', reason: 'Smtp Connection Error', email: 'a@b.example', provider: 'smtp' },
    ])
  })

  it('keeps fields that a later event does not mention', async () => {
    await handle(await arrive(problem), never)
    await handle(await arrive(updated), never)
    expect(await store.db.selectFrom('mailboxes').selectAll().execute()).toMatchObject([
      { status: 'active', provider: 'smtp', reason: null },
    ])
  })

  it('does not reopen a pause for a delivery that was sent twice, even if a late event causes a refold', async () => {
    const [late, ...others] = [
      toRouted(envelope(updated)),
      toRouted(envelope(problem, undefined, 'd1')),
      toRouted(envelope(updated, undefined, 'd2')),
      toRouted(envelope(problem, undefined, 'd1')),
    ]
    if (late === undefined) throw new Error('four events were made')
    for (const events of [others, [late]]) {
      await handle(await route(events, hourMs), never)
      expect(await store.db.selectFrom('mailboxes').select('status').execute()).toEqual([{ status: 'active' }])
    }
  })

  it('folds an event that counted as a duplicate until one in between was routed, itself a duplicate', async () => {
    const [first, second, between, last] = [
      toRouted(envelope(updated, undefined, 'd1')),
      toRouted(envelope(problem)),
      toRouted(envelope(updated, undefined, 'd1')),
      toRouted(envelope(problem)),
    ]
    if (first === undefined || second === undefined || between === undefined || last === undefined)
      throw new Error('four events were made')
    await handle(await route([first, second, last], hourMs), never)
    const revived = await route([between], hourMs)
    expect(revived.map(({ id }) => id)).toEqual([last.event.id])
    await handle(revived, never)
    expect(await store.db.selectFrom('mailboxes').select('last_event_id').execute()).toEqual([
      { last_event_id: last.event.id },
    ])
  })

  it('reverts a pause and its profile changes when an earlier deletion arrives late', async () => {
    const [created, deleted, late] = [
      { type: 'campaign.created', account: { id: 218, email: 'a@b.example' } },
      { type: 'campaign.deleted', account: { id: 218 } },
      { ...problem, account: { ...account, email: 'c@d.example' } },
    ].map((body) => toRouted(envelope(body)))
    if (created === undefined || deleted === undefined || late === undefined) throw new Error('three events were made')
    await handle(await route([created, late], 0), never)
    expect(await store.db.selectFrom('pauses').selectAll().execute()).toHaveLength(1)
    await handle(await route([deleted], 0), never)
    expect(await store.db.selectFrom('pauses').selectAll().execute()).toEqual([])
    expect(await store.db.selectFrom('mailboxes').selectAll().execute()).toMatchObject([
      { status: 'deleted', email: 'a@b.example', provider: null, last_event_id: late.event.id },
    ])
  })

  it('splits a pause when the event that ended it arrives late', async () => {
    const [first, between, last] = [problem, updated, problem].map((body) => toRouted(envelope(body)))
    if (first === undefined || between === undefined || last === undefined) throw new Error('three events were made')
    await handle(await route([first, last], 0), never)
    expect(await store.db.selectFrom('pauses').selectAll().execute()).toHaveLength(1)
    await handle(await route([between], 0), never)
    const pauses = await store.db.selectFrom('pauses').selectAll().orderBy('opened_by').execute()
    expect(pauses.map((pause) => [pause.opened_by, pause.closed_by])).toEqual([
      [first.event.id, between.event.id],
      [last.event.id, null],
    ])
  })
})

const kinds = [
  'campaign.pending',
  'campaign.created',
  'campaign.updated',
  'campaign.deleted',
  'campaign.connection.problematic',
  'mailbox.reconciled',
] as const
const histories = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    mailbox: fc.nat(2),
    reason: fc.constantFrom('Smtp Connection Error', 'Token expired', '', undefined),
    status: fc.constantFrom(...MailboxStatus.options),
    profile: fc.record(
      {
        email: fc.constantFrom('a@b.example', 'c@d.example', '[email\u00a0protected]', ''),
        first_name: fc.constantFrom('A', 'B', ' '),
        tags: fc.constantFrom(['t'], ['u', 'v'], []),
      },
      { requiredKeys: [] },
    ),
  }),
  { minLength: 1, maxLength: 14 },
)

type Entry = typeof histories extends fc.Arbitrary<(infer Item)[]> ? Item : never
type NewEnvelope = ReturnType<typeof createEnvelopes>

function toWebhook({ kind, mailbox, reason, profile }: Entry, envelope: NewEnvelope): Envelope {
  return envelope({ type: kind, reason, account: { id: mailbox + 1, ...profile } })
}

function toReading({ mailbox, status, profile }: Entry, envelope: NewEnvelope): Envelope {
  const { first_name: firstName, ...others } = profile
  const reading = {
    type: 'mailbox.reconciled',
    run: randomUUID(),
    campaignId: mailbox + 1,
    status,
    statusCode: status,
    startedAt: new Date(0).toISOString(),
    profile: firstName === undefined ? others : { ...others, firstName },
  }
  return { ...envelope(reading), source: 'reconcile' }
}

describe('pause tracking', () => {
  it('waits while another worker folds the mailbox', async () => {
    await using store = await openTestStore('postgres')
    const { db } = store
    const events = await record(db, [toRouted(createEnvelopes()(problem))], hourMs)
    const held = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    const other = db.transaction().execute(async (tx) => {
      await lockMailboxes(tx, 'folding', events)
      held.resolve()
      await end.promise
    })
    await held.promise
    const handled = createHandle(db)(events, never)
    await eventually(async () => expect(await countWaiting(db)).toBe(1))
    expect(await db.selectFrom('mailboxes').selectAll().execute()).toEqual([])
    end.resolve()
    await Promise.all([other, handled])
    expect(await db.selectFrom('mailboxes').selectAll().execute()).toHaveLength(1)
  })

  it('stores the same state for any order, repetition, grouping and concurrency of routing and handling', async () => {
    await using store = await openTestStore('postgres')
    // Three processes, because one process folds events one batch at a time.
    const processes = [createHandle(store.db), createHandle(store.db), createHandle(store.db)]
    let turn = 0
    const handle: HandleEvents = async (...args) => (await processes[turn++ % processes.length]?.(...args)) ?? new Map()
    const repeats = fc.array(fc.array(fc.nat(13), { maxLength: 6 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(histories, repeats, fc.gen(), async (history, again, gen) => {
        for (const table of ['events', 'mailboxes', 'pauses'] as const) await store.db.deleteFrom(table).execute()
        const envelope = createEnvelopes()
        const routed = history.map((entry) =>
          toRouted(entry.kind === 'mailbox.reconciled' ? toReading(entry, envelope) : toWebhook(entry, envelope)),
        )
        const shuffled = gen(fc.shuffledSubarray, routed, { minLength: routed.length, maxLength: routed.length })
        const size = gen(fc.integer, { min: 1, max: routed.length })
        const cuts = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, index) =>
          shuffled.slice(index * size, (index + 1) * size),
        )
        const handleAgain = async (indexes: readonly number[]): Promise<void> => {
          const events = [...new Set(indexes)].flatMap((index) => routed.slice(index, index + 1))
          await handle(
            events.map(({ event }) => event),
            never,
          )
        }
        await Promise.all([
          ...cuts.map(async (cut) => void (await handle(await record(store.db, cut, hourMs), never))),
          ...again.slice(2).map(handleAgain),
        ])
        for (const indexes of again.slice(0, 2)) await handleAgain(indexes)
        expect(await storedState(store.db)).toEqual(expectedState(withoutDuplicates(routed)))
      }),
      { numRuns: 120 },
    )
  })
})

/** Transactions that wait for an advisory lock. */
async function countWaiting(db: Database): Promise<number> {
  const { rows } = await sql`
    SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database
    WHERE locktype = 'advisory' AND NOT granted AND d.datname = current_database()`.execute(db)
  return rows.length
}

/** An event that equals the mailbox's previous event is a duplicate. */
function withoutDuplicates(routed: readonly RoutedEvent[]): readonly MailboxEvent[] {
  const previous = new Map<number, string>()
  return routed.flatMap(({ event, payloadHash }) => {
    const isDuplicate = previous.get(event.campaignId) === payloadHash
    previous.set(event.campaignId, payloadHash)
    return isDuplicate ? [] : [event]
  })
}

async function storedState(db: Database): Promise<unknown> {
  const mailboxes = await db.selectFrom('mailboxes').selectAll().orderBy('campaign_id').execute()
  const pauses = await db.selectFrom('pauses').selectAll().orderBy('opened_by').execute()
  return {
    mailboxes: mailboxes.map((row) => [
      Number(row.campaign_id),
      row.status,
      row.status_since.getTime(),
      row.reason,
      row.email,
      row.first_name,
      row.tags,
      row.last_event_id,
    ]),
    pauses: pauses.map((row) => [
      row.opened_by,
      row.opened_at.getTime(),
      row.reason,
      row.reasons,
      row.closed_by,
      row.closed_by_type,
      row.closed_proof,
      row.opened_by_type,
    ]),
  }
}

function expectedState(events: readonly MailboxEvent[]): unknown {
  const byMailbox = [...Map.groupBy(events, (event) => event.campaignId)].toSorted(([a], [b]) => a - b)
  const timelines = byMailbox.map(([campaignId, history]) => ({
    campaignId,
    timeline: naiveTimeline(history),
  }))
  const pauses = timelines.flatMap(({ timeline }) => timeline.pauses)
  return {
    mailboxes: timelines.map(({ campaignId, timeline: { mailbox } }) => [
      campaignId,
      mailbox?.status,
      mailbox?.statusSince,
      mailbox?.reason,
      mailbox?.profile.email ?? null,
      mailbox?.profile.firstName ?? null,
      mailbox?.profile.tags ?? null,
      mailbox?.lastEventId,
    ]),
    pauses: pauses
      .toSorted((a, b) => (a.openedBy < b.openedBy ? -1 : 1))
      .map((pause) => [
        pause.openedBy,
        pause.openedAt,
        pause.reason,
        pause.reasons,
        pause.closed?.eventId ?? null,
        pause.closed?.type ?? null,
        pause.closed?.proof ?? null,
        pause.openedByType,
      ]),
  }
}
