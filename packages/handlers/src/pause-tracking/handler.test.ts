import { randomUUID } from 'node:crypto'
import type { Outcome } from '@warmhook/queue/outcome'
import { emptyTimeline, foldTimeline } from '@warmhook/schema/fold-timeline'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createLogger } from '@warmhook/telemetry/logger'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HandleEvents } from '../handler.ts'
import { pauseTracking } from './handler.ts'

const account = { id: 218, email: 'a@b.example', provider_type: 'smtp' }
const problem = { type: 'campaign.connection.problematic', reason: 'Smtp Connection Error', account }
const updated = { type: 'campaign.updated', account: { id: 218, email: 'a@b.example' } }

function createHandle(db: Database): HandleEvents {
  const handle = pauseTracking.create({}, { db, log: createLogger('test', 'silent'), now: Date.now })
  if (handle === undefined) throw new Error('pause tracking is never off')
  return handle
}

const never = new AbortController().signal

describe.each(engines)('pause tracking on %s', (engine) => {
  let store: TestStore
  let handle: HandleEvents
  let envelope: ReturnType<typeof createEnvelopes>
  beforeEach(async () => {
    store = await openTestStore(engine)
    handle = createHandle(store.db)
    envelope = createEnvelopes()
  })
  afterEach(() => store[Symbol.asyncDispose]())

  /** Records bodies as events, in arrival order. */
  async function arrive(...bodies: object[]): Promise<MailboxEvent[]> {
    const routed = bodies.map((body) => toRouted(envelope(body)))
    await recordBatch(store.db, {
      id: randomUUID(),
      isReplay: false,
      events: routed,
      refused: [],
      dedupeWindowMs: 3_600_000,
    })
    return routed.map(({ event }) => event)
  }

  it('records a pause with its reason, group and times', async () => {
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

  it('keeps what a later event does not mention', async () => {
    await handle(await arrive(problem), never)
    await handle(await arrive(updated), never)
    expect(await store.db.selectFrom('mailboxes').selectAll().execute()).toMatchObject([
      { status: 'active', provider: 'smtp', reason: null },
    ])
  })

  it('does not open a pause again for a delivery that was sent twice, also when a late event has the mailbox folded anew', async () => {
    const [late, ...others] = [
      toRouted(envelope(updated)),
      toRouted(envelope(problem, undefined, 'd1')),
      toRouted(envelope(updated, undefined, 'd2')),
      toRouted(envelope(problem, undefined, 'd1')),
    ]
    if (late === undefined) throw new Error('four events were made')
    for (const events of [others, [late]]) {
      const batch = { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 3_600_000 }
      await handle((await recordBatch(store.db, batch)).forHandlers, never)
      expect(await store.db.selectFrom('mailboxes').select('status').execute()).toEqual([{ status: 'active' }])
    }
  })

  it('splits a pause when the event that ended it comes late', async () => {
    const [first, between, last] = await arrive(problem, updated, problem)
    if (first === undefined || between === undefined || last === undefined)
      throw new Error('three events were recorded')
    await handle([first, last], never)
    expect(await store.db.selectFrom('pauses').selectAll().execute()).toHaveLength(1)
    await handle([between], never)
    const pauses = await store.db.selectFrom('pauses').selectAll().orderBy('opened_by').execute()
    expect(pauses.map((pause) => [pause.opened_by, pause.closed_by])).toEqual([
      [first.id, between.id],
      [last.id, null],
    ])
  })
})

const kinds = [
  'campaign.pending',
  'campaign.created',
  'campaign.updated',
  'campaign.deleted',
  'campaign.connection.problematic',
] as const
const histories = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    mailbox: fc.nat(2),
    reason: fc.constantFrom('Smtp Connection Error', 'Token expired'),
  }),
  { minLength: 1, maxLength: 14 },
)

describe('pause tracking', () => {
  it('ends in the same mailboxes and pauses for any order, repetition and cut of the events, over any number of runs at once', async () => {
    await using store = await openTestStore('postgres')
    const handle = createHandle(store.db)
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.array(fc.array(fc.nat(13), { maxLength: 6 }), { maxLength: 5 }),
        fc.gen(),
        async (history, repeats, gen) => {
          const envelope = createEnvelopes()
          const routed = history.map(({ kind, mailbox, reason }) =>
            toRouted(envelope({ type: kind, reason, account: { id: mailbox + 1, email: `${kind}@b.example` } })),
          )
          const events = routed.map(({ event }) => event)
          await recordBatch(store.db, {
            id: randomUUID(),
            isReplay: false,
            events: routed,
            refused: [],
            dedupeWindowMs: 0,
          })
          const shuffled = gen(fc.shuffledSubarray, events, { minLength: events.length, maxLength: events.length })
          const size = gen(fc.integer, { min: 1, max: events.length })
          const cut = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, index) =>
            shuffled.slice(index * size, (index + 1) * size),
          )
          const again = repeats
            .map((indexes) => [...new Set(indexes)].flatMap((index) => events.slice(index, index + 1)))
            .filter((batch) => batch.length > 0)
          const [before, meanwhile] = [again.slice(0, 2), again.slice(2)]
          for (const batch of before) await handle(batch, never)
          await Promise.all([...cut, ...meanwhile].map((batch) => handle(batch, never)))
          expect(await storedState(store.db)).toEqual(expectedState(events))
          for (const table of ['events', 'mailboxes', 'pauses'] as const) await store.db.deleteFrom(table).execute()
        },
      ),
      { numRuns: 80 },
    )
  })
})

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
      row.last_event_id,
    ]),
    pauses: pauses.map((row) => [
      row.opened_by,
      row.opened_at.getTime(),
      row.reason,
      row.reasons,
      row.closed_by,
      row.closed_by_type,
    ]),
  }
}

function expectedState(events: readonly MailboxEvent[]): unknown {
  const byMailbox = [...Map.groupBy(events, (event) => event.campaignId)].toSorted(([a], [b]) => a - b)
  const timelines = byMailbox.map(([campaignId, history]) => ({
    campaignId,
    timeline: foldTimeline(emptyTimeline, history),
  }))
  const pauses = timelines.flatMap(({ timeline }) => timeline.pauses)
  return {
    mailboxes: timelines.map(({ campaignId, timeline: { mailbox } }) => [
      campaignId,
      mailbox?.status,
      mailbox?.statusSince,
      mailbox?.reason,
      mailbox?.profile.email,
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
      ]),
  }
}
