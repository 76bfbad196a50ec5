import { randomUUID } from 'node:crypto'
import type { Envelope } from '@warmhook/schema/envelope'
import { eventually } from '@warmhook/testing/eventually'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordGroup } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database, Queryable } from '../database.ts'
import type { RoutedBatch } from '../events/record-batches.ts'
import { recordDeliveries } from '../deliveries/record-deliveries.ts'
import { readLedger } from '../ledger/read-ledger.ts'
import { foldEvents } from '../mailboxes/fold-events.ts'
import { writeReplay } from '../outbox/write-replay.ts'
import { selectQuarantined } from '../quarantine/list-quarantine.ts'
import { uuidFloor } from '../uuid-floor.ts'
import { beginEventRemoval, removeNextEvents } from './remove-events.ts'
import { readRetentionState } from './retention-state.ts'
import { runRetention, type Removed } from './run-retention.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const keptDays = 30
/** Events that arrive later than this may be ignored. */
const keptMs = keptDays * dayMs
const start = Date.parse('2026-01-01T00:00:00Z')
const handlers = ['pause-tracking', 'crm-sync']
const never = new AbortController().signal

/** As a worker runs it: events stay a little longer, as later ones may be duplicates of them. */
function retain(db: Database, now: number): Promise<Removed> {
  return runRetention(db, { keptDays, before: now - keptMs - hourMs, signal: never })
}

const types = ['updated', 'created', 'deleted', 'pending', 'connection.problematic', 'connection.problematic'] as const

/** Derives an event's body from a number; bodies are often equal, so that there are duplicates. */
function bodyOf(draw: number): object {
  const [reason, email, firstName, tags] = [
    ['Smtp', 'Imap', ''][draw % 3],
    [undefined, 'a@b.example', 'c@d.example', 'no address'][draw % 4],
    [undefined, 'Ann', 'Bo'][draw % 3],
    [undefined, ['one'], ['one', 'two'], []][draw % 4],
  ]
  const account = { id: 1 + (draw % 2), email, first_name: firstName, tags }
  return { type: `campaign.${types[draw % types.length]}`, reason, account }
}

/** One attempt at the job that is first by content: any outcome for each event; the job ends when all are final. */
async function deliver(db: Database, draw: number): Promise<void> {
  const { rows } = await sql<{ id: string; handler: string; event_ids: string[]; replay_id: string | null }>`
    SELECT id, handler, event_ids, replay_id FROM outbox
    ORDER BY event_ids, handler OFFSET ${draw % 3}::int LIMIT 1`.execute(db)
  const [job] = rows
  if (job === undefined) return
  const records = job.event_ids.map((eventId, index) => {
    const status = (['done', 'done', 'done', 'failing', 'dead'] as const)[(draw + index * 7) % 5] ?? 'done'
    return { eventId, status, note: undefined }
  })
  const settled = records.every(({ status }) => status !== 'failing') ? [job.id] : []
  const times = { startedAt: 0, finishedAt: 0, replayId: job.replay_id ?? undefined }
  await recordDeliveries(db, { handler: job.handler, ...times, records, settled })
}

/** Completes every event in every handler. */
async function settle(db: Database): Promise<void> {
  const { rows } = await sql<{ id: string; handler: string; event_ids: string[]; replay_id: string | null }>`
    SELECT id, handler, event_ids, replay_id FROM outbox`.execute(db)
  for (const { id, handler, event_ids: eventIds, replay_id: replayId } of rows) {
    const records = eventIds.map((eventId) => ({ eventId, status: 'done' as const, note: undefined }))
    const times = { startedAt: 0, finishedAt: 0, replayId: replayId ?? undefined }
    await recordDeliveries(db, { handler, ...times, records, settled: [id] })
  }
}

/** Everything that must not depend on the removed events. */
async function readTruth(db: Queryable) {
  const mailboxes = await sql`
    SELECT owner, campaign_id, email, first_name, last_name, tags, status, status_since, reason, last_event_id, last_event_at
    FROM mailboxes ORDER BY owner, campaign_id`.execute(db)
  const pauses = await sql`SELECT * FROM pauses ORDER BY owner, campaign_id, opened_by`.execute(db)
  const owed = await sql`SELECT handler, event_ids, replay_id IS NULL AS fresh FROM outbox ORDER BY 1, 2, 3`.execute(db)
  return { mailboxes: mailboxes.rows, pauses: pauses.rows, owed: owed.rows, ledger: await readLedger(db) }
}

async function countRows(db: Queryable): Promise<number> {
  const { rows } = await sql<{ rows: string }>`
    SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM quarantine)
      + (SELECT count(*) FROM mailbox_bases) AS rows`.execute(db)
  return Number(rows[0]?.rows)
}

async function empty(db: Database): Promise<void> {
  const tables = [
    'events',
    'deliveries',
    'outbox',
    'mailboxes',
    'pauses',
    'quarantine',
    'mailbox_bases',
    'notifications',
  ] as const
  for (const table of tables) await db.deleteFrom(table).execute()
  for (const table of ['totals', 'total_changes'] as const) await db.deleteFrom(table).execute()
}

describe.each(engines)('runRetention on %s', (engine) => {
  let store: TestStore
  let whole: TestStore
  let envelope: ReturnType<typeof createEnvelopes>
  beforeAll(async () => {
    ;[store, whole] = await Promise.all([openTestStore(engine), openTestStore(engine)])
  })
  afterAll(async () => {
    await Promise.all([store, whole].map((opened) => opened[Symbol.asyncDispose]()))
  })
  beforeEach(() => {
    envelope = createEnvelopes()
  })

  const record = (db: Database, envelopes: readonly Envelope[]) =>
    recordGroup(
      db,
      [{ id: randomUUID(), isReplay: false, events: envelopes.map((one) => toRouted(one, handlers)), refused: [] }],
      hourMs,
    )
  const finish = async (db: Database): Promise<void> => {
    const { rows } = await sql<{ id: string }>`SELECT id FROM events`.execute(db)
    await foldEvents(db, rows)
  }

  const step = fc.record({
    // Weighted towards finished and expired events, or nothing would be removed.
    action: fc.constantFrom(
      ...([
        'record',
        'record',
        'record',
        'late',
        'late',
        'settle',
        'settle',
        'settle',
        'wait',
        'wait',
        'retain',
        'retain',
      ] as const),
      ...(['fold', 'fold', 'fold', 'deliver', 'replay'] as const),
    ),
    draw: fc.nat(1_000_000),
  })

  it('never changes mailboxes, pauses, owed events or the ledger, whatever happens before and afterwards', async () => {
    let removed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
        for (const { db } of [store, whole]) await empty(db)
        envelope = createEnvelopes()
        let now = start
        const both = (run: (db: Database) => Promise<unknown>) => Promise.all([store, whole].map(({ db }) => run(db)))
        for (const { action, draw } of steps) {
          switch (action) {
            case 'record':
            case 'late': {
              // A late event arrived at any time within the retention period.
              const age = action === 'late' ? draw % keptMs : 0
              const made = Array.from({ length: 1 + (draw % 4) }, (_, index) =>
                envelope(bodyOf(draw + index * (draw % 5)), now - age + index * 60_000),
              )
              await both((db) => record(db, made))
              break
            }
            case 'fold': {
              const { rows } = await sql<{ id: string }>`
                SELECT id FROM events ORDER BY id OFFSET ${draw % 4}::int LIMIT 4`.execute(store.db)
              await both((db) => foldEvents(db, rows))
              break
            }
            case 'settle':
              await both(finish)
              await both(settle)
              break
            case 'deliver':
              await both((db) => deliver(db, draw))
              break
            case 'replay': {
              const { rows } = await sql<{ id: string; owner: string; campaign_id: string }>`
                SELECT id, owner, campaign_id FROM events WHERE duplicate_of IS NULL
                ORDER BY id OFFSET ${draw % 5}::int LIMIT 1`.execute(store.db)
              const events = rows.map(({ id, owner, campaign_id: campaignId }) => ({
                id,
                owner,
                campaignId: Number(campaignId),
                type: 'campaign.updated' as const,
                receivedAt: now,
                handlers: [],
              }))
              const handler = handlers[draw % 2] ?? ''
              if (events.length > 0)
                await both((db) =>
                  writeReplay(db, [{ id: randomUUID(), handler, events, replayId: randomUUID(), isQueued: true }]),
                )
              break
            }
            case 'wait':
              now += (15 + (draw % 20)) * dayMs
              break
            case 'retain':
              // Events owed since the last minute are checked separately.
              await sql`UPDATE outbox SET created_at = now() - interval '1 hour'`.execute(store.db)
              removed += (await retain(store.db, now)).events
              break
          }
        }
        await both(finish)
        expect(await readTruth(store.db)).toEqual(await readTruth(whole.db))
      }),
      { numRuns: engine === 'pglite' ? 5 : 60 },
    )
    // If nothing was removed, the stores are trivially equal.
    expect(removed).toBeGreaterThan(0)
  }, 120_000)

  it('keeps the database size constant over a year', async () => {
    const { db } = store
    await empty(db)
    const sizes: number[] = []
    for (let week = 0; week < 52; week += 1) {
      const now = start + week * 7 * dayMs
      const bodies = Array.from({ length: 20 }, (_, index) => bodyOf(week * 31 + index * 7))
      await record(
        db,
        bodies.map((body, index) => envelope(body, now - index * 60_000)),
      )
      await sql`
        INSERT INTO quarantine (id, owner, source, received_at, issue, issues, raw)
        VALUES (${uuidFloor(now).replace('-0000-0000', '-7000-8000')}::uuid, 'acme', 'mailivery', ${new Date(now)}, 'not JSON', '[]', '')`.execute(
        db,
      )
      await finish(db)
      const { rows } = await sql<{ id: string; handler: string; event_ids: string[] }>`
        SELECT id, handler, event_ids FROM outbox`.execute(db)
      for (const { id, handler, event_ids: eventIds } of rows) {
        const records = eventIds.map((eventId) => ({ eventId, status: 'done' as const, note: undefined }))
        await recordDeliveries(db, {
          handler,
          startedAt: 0,
          finishedAt: 0,
          replayId: undefined,
          records,
          settled: [id],
        })
      }
      const before = await readLedger(db)
      await retain(db, now)
      expect(await readLedger(db)).toEqual(before)
      sizes.push(await countRows(db))
    }
    // After five weeks, each new week replaces an expired one.
    const later = sizes.slice(6)
    expect(Math.max(...later)).toBeLessThan(1.3 * Math.min(...later))
    expect(await readLedger(db)).toMatchObject({ quarantined: 52, inFlight: 0 })
    const { keptDays: days, ranSecondsAgo, oldestEventAt } = await readRetentionState(db)
    expect({ days, ran: ranSecondsAgo !== null && ranSecondsAgo < 60 }).toEqual({ days: keptDays, ran: true })
    expect(oldestEventAt?.getTime()).toBeGreaterThanOrEqual(start + (51 * 7 - keptDays) * dayMs - hourMs)
  }, 60_000)

  it('counts a quarantined envelope once if it is removed while it is replayed', async () => {
    const { db } = store
    await empty(db)
    const one = envelope(bodyOf(1), start)
    const refused = { ...one, issue: 'not JSON', issues: [], raw: Buffer.from('{}'), deliveryId: undefined }
    await recordGroup(db, [{ id: randomUUID(), isReplay: false, events: [], refused: [refused] }], hourMs)
    for await (const [found] of selectQuarantined(db, {})) {
      await retain(db, start + 2 * keptMs)
      expect(await readLedger(db)).toMatchObject({ quarantined: 1, inFlight: 0 })
      const replay = (part: Pick<RoutedBatch, 'events' | 'refused'>) =>
        recordGroup(db, [{ id: randomUUID(), isReplay: true, ...part }], hourMs)
      await replay({ events: [], refused: [refused] })
      expect(await readLedger(db)).toMatchObject({ quarantined: 1, inFlight: 0 })
      await retain(db, start + 2 * keptMs)
      const events = found === undefined ? [] : [toRouted(one, handlers)]
      await replay({ events, refused: [] })
      await replay({ events, refused: [] })
    }
    expect(await readLedger(db)).toMatchObject({ quarantined: 0, inFlight: 1 })
  })

  it('keeps an event that is replayed after the run began', async () => {
    const { db } = store
    await empty(db)
    const made = envelope(bodyOf(1), start)
    await record(db, [made])
    await finish(db)
    await settle(db)
    const removal = await beginEventRemoval(db, uuidFloor(start + 2 * keptMs))
    const { id, owner } = made
    const event = { id, owner, campaignId: 2, receivedAt: start, type: 'campaign.updated' as const, handlers: [] }
    await writeReplay(db, [
      { id: randomUUID(), handler: 'crm-sync', events: [event], replayId: randomUUID(), isQueued: true },
    ])
    const remove = () => db.transaction().execute((tx) => removeNextEvents(tx, removal, 10))
    expect(await remove()).toEqual({ seen: 1, events: 0, deliveries: 0 })
    expect(await remove()).toEqual({ seen: 0, events: 0, deliveries: 0 })
  })

  it('counts the rows it removed before another worker took over', async () => {
    const { db } = store
    if (engine === 'pglite') return
    await empty(db)
    await record(
      db,
      Array.from({ length: 3 }, (_, index) => envelope(bodyOf(index), start + index)),
    )
    await finish(db)
    await settle(db)
    const { removedEvents: earlier } = await readRetentionState(db)
    const other = Promise.withResolvers<void>()
    let taken: Promise<void> | undefined
    const batches: Partial<Removed>[] = []
    const removed = await runRetention(db, {
      keptDays,
      before: start + keptMs,
      signal: never,
      onBatch: async (batch) => {
        batches.push(batch)
        const locked = Promise.withResolvers<void>()
        taken ??= db.transaction().execute(async (tx) => {
          await sql`SELECT pg_advisory_xact_lock(7311003)`.execute(tx)
          locked.resolve()
          await other.promise
        })
        await locked.promise
      },
    })
    other.resolve()
    await taken
    const { removedEvents } = await readRetentionState(db)
    expect({ removed, batches: batches.length, counted: removedEvents - earlier }).toMatchObject({
      removed: { events: 3, deliveries: 6 },
      batches: 1,
      counted: 3,
    })
  })

  it('owes no replay of an event that is removed concurrently', async () => {
    const { db } = store
    await empty(db)
    const made = envelope(bodyOf(1), start)
    await record(db, [made])
    await finish(db)
    await settle(db)
    const removal = await beginEventRemoval(db, uuidFloor(start + 2 * keptMs))
    const { id, owner } = made
    const event = { id, owner, campaignId: 2, receivedAt: start, type: 'campaign.updated' as const, handlers: [] }
    let replayed: Promise<void> | undefined
    let isWritten = false
    await db.transaction().execute(async (tx) => {
      expect(await removeNextEvents(tx, removal, 10)).toMatchObject({ events: 1 })
      replayed = writeReplay(db, [
        { id: randomUUID(), handler: 'crm-sync', events: [event], replayId: randomUUID(), isQueued: true },
      ]).finally(() => {
        isWritten = true
      })
      // PGlite has one connection, so the replay starts after the removal. Polled outside `tx`, a fixed snapshot.
      if (engine === 'pglite') return
      await eventually(async () => {
        const { rows } = await sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db)
        expect(rows.length > 0 || isWritten).toBe(true)
      })
    })
    await replayed
    expect(await db.selectFrom('outbox').select('id').execute()).toEqual([])
  })

  it('does nothing while another worker is running it', async () => {
    const { db } = store
    if (engine === 'pglite') return
    await empty(db)
    await record(db, [envelope(bodyOf(1), start)])
    await finish(db)
    await settle(db)
    await db.transaction().execute(async (tx) => {
      await sql`SELECT pg_advisory_xact_lock(7311003)`.execute(tx)
      expect(await retain(db, start + 3 * keptMs)).toMatchObject({ events: 0 })
    })
    expect(await retain(db, start + 3 * keptMs)).toMatchObject({ events: 1, deliveries: 2 })
  })
})
