import { randomUUID } from 'node:crypto'
import type { Envelope } from '@warmhook/schema/envelope'
import type { Database } from '@warmhook/store/database'
import { readVerdicts } from '@warmhook/store/events/read-verdicts'
import { recordBatch, type Recorded } from '@warmhook/testing/record-batch'
import { readLedger } from '@warmhook/store/ledger/read-ledger'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const hourMs = 3_600_000
let campaign = 0

/** A mailbox that no other test uses. */
function bodies() {
  campaign += 1
  const account = { id: campaign, email: 'a@b.example' }
  return {
    problem: { type: 'campaign.connection.problematic', reason: 'Smtp Connection Error', account },
    updated: { type: 'campaign.updated', account },
  }
}

function record(db: Database, envelopes: readonly Envelope[], id: string = randomUUID()): Promise<Recorded> {
  return recordBatch(db, {
    id,
    isReplay: false,
    events: envelopes.map((envelope) => toRouted(envelope)),
    refused: [],
    dedupeWindowMs: hourMs,
  })
}

function idsOf(recorded: Recorded): string[] {
  return recorded.forHandlers.map((event) => event.id).toSorted()
}

async function owedAmong(db: Database, envelopes: readonly Envelope[]): Promise<string[]> {
  const rows = await db.selectFrom('outbox').select('event_ids').execute()
  const owed = new Set(rows.flatMap((row) => row.event_ids))
  return envelopes.flatMap(({ id }) => (owed.has(id) ? [id] : []))
}

async function duplicatesAmong(db: Database, envelopes: readonly Envelope[]): Promise<string[]> {
  const ids = envelopes.map((envelope) => envelope.id)
  const rows = await db
    .selectFrom('events')
    .select('id')
    .where('id', 'in', ids)
    .where('duplicate_of', 'is not', null)
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id)
}

describe.each(engines)('recordBatch on %s', (engine) => {
  let store: TestStore
  let envelope: ReturnType<typeof createEnvelopes>
  beforeAll(async () => {
    store = await openTestStore(engine)
    envelope = createEnvelopes()
  })
  afterAll(() => store[Symbol.asyncDispose]())

  it('passes the events to handlers and stores their raw bytes', async () => {
    const { problem } = bodies()
    const sent = envelope(problem)
    expect(idsOf(await record(store.db, [sent]))).toEqual([sent.id])
    const row = await store.db.selectFrom('events').selectAll().where('id', '=', sent.id).executeTakeFirstOrThrow()
    expect(Buffer.from(row.raw).toString()).toBe(sent.body)
    expect(row.received_at.getTime()).toBe(sent.receivedAt)
  })

  it("counts an event equal to the mailbox's previous one as a duplicate, in one batch or in two", async () => {
    const { problem } = bodies()
    const [first, second, third] = [envelope(problem), envelope(problem), envelope(problem)]
    expect(idsOf(await record(store.db, [first, second]))).toEqual([first.id])
    expect(idsOf(await record(store.db, [third]))).toEqual([])
    expect(await duplicatesAmong(store.db, [first, second, third])).toEqual([second.id, third.id])
  })

  it('records problem, updated, problem as three events although two are equal', async () => {
    const { problem, updated } = bodies()
    const history = [envelope(problem), envelope(updated), envelope(problem)]
    expect(idsOf(await record(store.db, history))).toEqual(history.map(({ id }) => id))
  })

  it('passes on a former duplicate when an event that arrived before it is routed later', async () => {
    const { problem, updated } = bodies()
    const [first, between, last] = [envelope(problem), envelope(updated), envelope(problem)]
    expect(idsOf(await record(store.db, [first, last]))).toEqual([first.id])
    expect(idsOf(await record(store.db, [between]))).toEqual([between.id, last.id])
    expect(await duplicatesAmong(store.db, [first, between, last])).toEqual([])
  })

  it('schedules a separate run for an event that turns out to be a duplicate', async () => {
    const { problem } = bodies()
    const [first, last] = [envelope(problem), envelope(problem)]
    expect(idsOf(await record(store.db, [last]))).toEqual([last.id])
    const { jobs } = await record(store.db, [first])
    expect(jobs.map(({ events, replayId }) => [events.map(({ id }) => id), typeof replayId])).toEqual([
      [[first.id], 'undefined'],
      [[last.id], 'string'],
    ])
    expect(await readVerdicts(store.db, [last.id])).toEqual(
      new Map([[last.id, { isDuplicate: true, revision: expect.any(Number) as number }]]),
    )
  })

  it('schedules everything exactly once if the router dies before it uses the result', async () => {
    const { problem, updated } = bodies()
    const [first, between, last] = [envelope(problem), envelope(updated), envelope(problem)]
    await record(store.db, [first, last])
    const id = randomUUID()
    expect(idsOf(await record(store.db, [between], id))).toEqual([between.id, last.id])
    expect(idsOf(await record(store.db, [between], id))).toEqual([])
    expect(await owedAmong(store.db, [first, between, last])).toEqual([first.id, between.id, last.id])
  })

  it('keeps a former duplicate scheduled if a later event is routed before the router retries', async () => {
    const { problem, updated } = bodies()
    const [first, between, next, last] = [envelope(problem), envelope(updated), envelope(updated), envelope(problem)]
    await record(store.db, [first, last])
    const id = randomUUID()
    await record(store.db, [between], id)
    await record(store.db, [next])
    await record(store.db, [between], id)
    expect(await owedAmong(store.db, [last])).toEqual([last.id])
  })

  it('passes on events recorded by a router without an outbox when they are routed again', async () => {
    const { problem } = bodies()
    const sent = envelope(problem)
    const id = randomUUID()
    await record(store.db, [sent], id)
    await store.db.deleteFrom('outbox').execute()
    await store.db.updateTable('events').set({ in_outbox: false }).where('id', '=', sent.id).execute()
    expect(idsOf(await record(store.db, [sent], id))).toEqual([sent.id])
    expect(idsOf(await record(store.db, [sent], id))).toEqual([])
  })

  it('counts the later of two equal events as the duplicate, whichever is routed first', async () => {
    const { problem } = bodies()
    const [first, second] = [envelope(problem), envelope(problem)]
    await record(store.db, [second])
    await record(store.db, [first])
    expect(await duplicatesAmong(store.db, [first, second])).toEqual([second.id])
  })

  it('records an equal event after the window as a new one', async () => {
    const { problem } = bodies()
    const now = Date.now()
    const [first, later] = [envelope(problem, now - hourMs - 1), envelope(problem, now)]
    expect(idsOf(await record(store.db, [first, later]))).toEqual([first.id, later.id])
  })

  it("deduplicates by the sender's delivery id if there is one", async () => {
    const { problem, updated } = bodies()
    const [first, again, other] = [
      envelope(problem, undefined, `d-${campaign}`),
      envelope(updated, undefined, `d-${campaign}`),
      envelope(problem, undefined, `e-${campaign}`),
    ]
    expect(idsOf(await record(store.db, [first, again, other]))).toEqual([first.id, other.id])
  })

  it('deduplicates per owner', async () => {
    const { problem } = bodies()
    const [mine, theirs] = [envelope(problem), { ...envelope(problem), owner: 'other' }]
    expect(idsOf(await record(store.db, [mine, theirs]))).toEqual([mine.id, theirs.id])
  })

  it('stores refused envelopes byte for byte, with the reasons', async () => {
    const raw = Buffer.from([0x7b, 0x00, 0xe9, 0xff])
    const sent = envelope('x')
    const refused = {
      ...sent,
      raw,
      issue: 'not JSON',
      issues: [{ code: 'not_json', path: ['a\0'], message: '\ud800' }],
      deliveryId: undefined,
    }
    await recordBatch(store.db, {
      id: randomUUID(),
      isReplay: false,
      events: [],
      refused: [refused],
      dedupeWindowMs: hourMs,
    })
    const row = await store.db.selectFrom('quarantine').selectAll().where('id', '=', sent.id).executeTakeFirstOrThrow()
    expect(Buffer.from(row.raw).equals(raw)).toBe(true)
    expect(row.issues).toMatchObject([{ code: 'not_json' }])
  })

  it('counts every envelope once in the ledger', async () => {
    const ledger = await readLedger(store.db)
    const { routedUnnumbered, processed, duplicate, quarantined, dead, inFlight } = ledger
    expect(routedUnnumbered).toBe(processed + duplicate + quarantined + dead + inFlight)
  })
})

describe('recordBatch', () => {
  it('finds the same duplicates for any order and batching of a history, even with concurrent routers', async () => {
    await using store = await openTestStore('postgres')
    const history = fc.array(
      fc.record({ type: fc.constantFrom<'problem' | 'updated'>('problem', 'updated'), mailbox: fc.nat(2) }),
      { minLength: 1, maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(history, fc.infiniteStream(fc.nat(1_000)), async (events, keys) => {
        const mailboxes = [bodies(), bodies(), bodies()]
        const envelope = createEnvelopes()
        const envelopes = events.flatMap(({ type, mailbox }) => {
          const body = mailboxes[mailbox]?.[type]
          return body === undefined ? [] : [envelope(body)]
        })
        const handed = new Set<string>()
        const batches = Map.groupBy(
          envelopes.toSorted(() => (keys.next().value ?? 0) - 500),
          () => (keys.next().value ?? 0) % 3,
        )
        await Promise.all(
          [...batches.values()].map(async (batch) => {
            for (const event of (await record(store.db, batch)).forHandlers) handed.add(event.id)
          }),
        )
        const duplicates = expectedDuplicates(envelopes)
        expect(await duplicatesAmong(store.db, envelopes)).toEqual(duplicates)
        // Every non-duplicate must have reached the handlers; a duplicate that was passed on too early may have as
        // well.
        expect(envelopes.map(({ id }) => id).filter((id) => !duplicates.includes(id) && !handed.has(id))).toEqual([])
        await store.db.deleteFrom('events').execute()
      }),
      { numRuns: 60 },
    )
  })
})

function expectedDuplicates(envelopes: readonly Envelope[]): string[] {
  const previous = new Map<string, string>()
  return envelopes.flatMap(({ id, body }) => {
    const mailbox = /"id":(\d+)/.exec(body)?.[1] ?? ''
    const isDuplicate = previous.get(mailbox) === body
    previous.set(mailbox, body)
    return isDuplicate ? [id] : []
  })
}
