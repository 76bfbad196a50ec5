import { randomUUID } from 'node:crypto'
import type { Envelope } from '@warmhook/schema/envelope'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { recordGroup } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, Queryable } from '../database.ts'
import { recordDeliveries } from '../deliveries/record-deliveries.ts'
import { foldEvents } from '../mailboxes/fold-events.ts'
import { writeReplay } from '../outbox/write-replay.ts'
import { listQuarantineGroups, selectQuarantined } from '../quarantine/list-quarantine.ts'
import type { RefusedEnvelope } from '../quarantine/record-quarantine.ts'
import { readLedger, type StoreLedger } from './read-ledger.ts'
import { readStats, type Stats } from './read-stats.ts'
import { removedTotal } from './removed.ts'
import { foldTotals, totals } from './totals.ts'

const actions = ['record', 'legacy', 'quarantine', 'release', 'deliver', 'replay', 'fold', 'total', 'remove'] as const
type Action = (typeof actions)[number]
interface Step {
  readonly action: Action
  /** Determines what the action selects and creates. */
  readonly draw: number
}

const hourMs = 3_600_000
const handlers = ['pause-tracking', 'crm-sync']
const step: fc.Arbitrary<Step> = fc.record({ action: fc.constantFrom(...actions), draw: fc.nat(1_000_000) })
/** The steps of one row run concurrently. */
const history = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })

describe.each(engines)('totals on %s', (engine) => {
  let store: TestStore
  let envelope: ReturnType<typeof createEnvelopes>
  const now = Date.now()
  beforeAll(async () => {
    store = await openTestStore(engine)
    envelope = createEnvelopes()
  })
  afterAll(() => store[Symbol.asyncDispose]())

  /** With times around the edges of the time spans, so that batches are late or lie across an edge. */
  function createEvent(draw: number): Envelope {
    const types = ['campaign.updated', 'campaign.connection.problematic', 'campaign.deleted', 'campaign.pending']
    const age = [0, 1, 24, 48, 720][draw % 5] ?? 0
    const at = now - age * hourMs + (draw % 40_000) - 20_000
    const body = {
      type: types[draw % 4],
      reason: ['Smtp', 'Imap', ''][draw % 3],
      account: { id: 1 + (draw % 3), email: 'a@b.example' },
    }
    return envelope(body, at)
  }

  function createRefused(draw: number): RefusedEnvelope {
    const { id, owner, source, receivedAt } = envelope({}, now - (draw % 5_000))
    const issue = `issue ${draw % 3}`
    return { id, owner, source, receivedAt, issue, issues: [], raw: Buffer.from('{}'), deliveryId: undefined }
  }

  const record = (events: readonly Envelope[], refused: readonly RefusedEnvelope[] = [], isReplay = false) =>
    recordGroup(
      store.db,
      [{ id: randomUUID(), isReplay, events: events.map((event) => toRouted(event, handlers)), refused }],
      hourMs,
    )

  async function run({ action, draw }: Step): Promise<void> {
    const { db } = store
    switch (action) {
      case 'record': {
        const events = Array.from({ length: 1 + (draw % 6) }, (_, index) => createEvent(draw + index * (draw % 7)))
        return void (await record(events))
      }
      case 'legacy':
        return recordAsBefore(db, toRouted(createEvent(draw)).event)
      case 'quarantine':
        return void (await record([], [createRefused(draw), createRefused(draw + 1)]))
      case 'release': {
        for await (const page of selectQuarantined(db, {})) {
          const found = page[draw % page.length]
          const { body, encoding } = createEvent(draw)
          if (found !== undefined) await record([{ ...found, body, encoding }], [], true)
          break
        }
        return
      }
      case 'deliver':
        return deliver(db, draw)
      case 'replay': {
        const [event] = await pickEvent(db, draw)
        if (event === undefined) return
        const replayed = { ...event, type: 'campaign.updated', receivedAt: now } as const
        const handler = handlers[draw % 2] ?? ''
        return writeReplay(db, [
          { id: randomUUID(), handler, events: [replayed], replayId: randomUUID(), isQueued: true },
        ])
      }
      case 'fold':
        return foldEvents(db, await pickEvent(db, draw))
      case 'total':
        return foldTotals(db)
      case 'remove':
        await sql`DELETE FROM quarantine WHERE id = (SELECT id FROM quarantine ORDER BY id LIMIT 1)`.execute(db)
        await sql`
          DELETE FROM events WHERE id = (
            SELECT id FROM events e WHERE NOT EXISTS (SELECT FROM outbox WHERE e.id = ANY(event_ids))
            ORDER BY id LIMIT 1)`.execute(db)
        return
    }
  }

  it('equal a full count after any sequence of concurrent changes', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (rows) => {
        for (const steps of rows) {
          const meanwhile = readAndCount(store.db, now)
          await Promise.all(steps.map(run))
          for (const { read, counted } of [await meanwhile, await readAndCount(store.db, now)])
            expect(read).toEqual(counted)
        }
      }),
      { numRuns: engine === 'pglite' ? 4 : 25 },
    )
  }, 120_000)

  it('need few rows, whatever the number of changes', async () => {
    for (let round = 0; round < 30; round += 1) await record([createEvent(5)])
    await foldTotals(store.db)
    const { rows } = await sql<{ changes: string; totals: string }>`
      SELECT (SELECT count(*) FROM total_changes) AS changes,
        (SELECT count(*) FROM totals WHERE name = 'events' AND bucket < ${new Date(now - 49 * hourMs)}::timestamptz) AS totals
    `.execute(store.db)
    expect({ changes: Number(rows[0]?.changes), totals: Number(rows[0]?.totals) }).toEqual({ changes: 0, totals: 1 })
    const { read, counted } = await readAndCount(store.db, now)
    expect(read).toEqual(counted)
  })
})

/** Records an event as a router without an outbox did. */
async function recordAsBefore(db: Database, event: ReturnType<typeof toRouted>['event']): Promise<void> {
  await sql`
    INSERT INTO events (id, owner, source, campaign_id, type, received_at, event, raw, payload_hash, handlers)
    VALUES (${event.id}::uuid, ${event.owner}, 'mailivery', ${event.campaignId}, ${event.type}, ${new Date(event.receivedAt)},
      ${JSON.stringify(event)}::json, '', '', ${handlers}::text[])`.execute(db)
}

/** One attempt at a job: any outcome for each event; the job ends when all are final. */
async function deliver(db: Database, draw: number): Promise<void> {
  const { rows } = await sql<{ id: string; handler: string; event_ids: string[]; replay_id: string | null }>`
    SELECT id, handler, event_ids, replay_id FROM outbox ORDER BY id OFFSET ${draw % 5}::int LIMIT 1`.execute(db)
  const [job] = rows
  if (job === undefined) return
  const records = job.event_ids.map((eventId, index) => {
    const status = (['done', 'done', 'done', 'failing', 'dead'] as const)[(draw + index * 7) % 5] ?? 'done'
    return { eventId, status, note: undefined }
  })
  const settled = records.every(({ status }) => status !== 'failing') ? [job.id] : []
  const times = { startedAt: Date.now(), finishedAt: Date.now() }
  const replayId = job.replay_id ?? undefined
  await recordDeliveries(db, { handler: job.handler, ...times, replayId, records, settled })
}

async function pickEvent(db: Queryable, draw: number) {
  const { rows } = await sql<{ id: string; owner: string; campaign_id: string }>`
    SELECT id, owner, campaign_id FROM events WHERE duplicate_of IS NULL
    ORDER BY id OFFSET ${draw % 20}::int LIMIT 1`.execute(db)
  return rows.map(({ id, owner, campaign_id: campaignId }) => ({ id, owner, campaignId: Number(campaignId) }))
}

/** Reads one snapshot, so that it can run concurrently with writes. */
async function readAndCount(db: Database, now: number) {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => ({
      read: {
        ledger: await readLedger(tx),
        stats: await readStats(tx, now),
        groups: new Map((await listQuarantineGroups(tx, 100)).map(({ issue, count }) => [issue, count])),
      },
      counted: { ledger: await countLedger(tx), stats: await countStats(tx, now), groups: await countGroups(tx) },
    }))
}

async function countLedger(db: Queryable): Promise<StoreLedger> {
  const { rows } = await sql<Record<keyof StoreLedger, string>>`
    WITH outcomes AS (
      SELECT event_id, count(*) FILTER (WHERE status = 'done') AS done, bool_or(status = 'dead') AS dead
      FROM deliveries GROUP BY event_id
    ), states AS (
      SELECT CASE
          WHEN e.duplicate_of IS NOT NULL THEN 'duplicate'
          WHEN o.dead THEN 'dead'
          WHEN coalesce(o.done, 0) >= cardinality(e.handlers) THEN 'processed'
          ELSE 'in flight' END AS state
      FROM events e LEFT JOIN outcomes o ON o.event_id = e.id
    )
    SELECT
      (SELECT coalesce(sum(envelopes), 0) FROM intake_batches) AS "routedUnnumbered",
      count(*) FILTER (WHERE state = 'processed') AS processed,
      count(*) FILTER (WHERE state = 'duplicate') AS duplicate,
      -- An envelope that is released while this test deletes it directly is taken for one removed by retention.
      (SELECT count(*) FROM quarantine) + (
        SELECT coalesce(sum(amount), 0) FROM ${totals} AS total WHERE name = ${removedTotal}) AS quarantined,
      count(*) FILTER (WHERE state = 'dead') AS dead,
      count(*) FILTER (WHERE state = 'in flight') AS "inFlight"
    FROM states`.execute(db)
  return Object.fromEntries(
    Object.entries(rows[0] ?? {}).map(([name, count]) => [name, Number(count)]),
  ) as unknown as StoreLedger
}

async function countStats(db: Queryable, now: number): Promise<Stats> {
  const since = (hours: number): Date => new Date(now - hours * hourMs)
  const { rows } = await sql<{
    statuses: object
    open: string
    categories: object
    reasons: Stats['openPausesByReason'] | null
    ms: string | null
    hour: string
    day: string
  }>`
    SELECT (SELECT json_object_agg(status, count) FROM (SELECT status, count(*) FROM mailboxes GROUP BY status) AS s) AS statuses,
      (SELECT count(*) FROM pauses WHERE closed_by IS NULL) AS open,
      (SELECT json_object_agg(category, count) FROM (
        SELECT category, count(*) FROM pauses WHERE closed_by IS NULL GROUP BY category) AS c) AS categories,
      (SELECT json_agg(r) FROM (SELECT reason, count(*) FROM pauses WHERE closed_by IS NULL GROUP BY reason ORDER BY 2 DESC) AS r) AS reasons,
      (SELECT avg(extract(epoch FROM closed_at - opened_at)) * 1000 FROM pauses WHERE closed_at > ${since(720)}::timestamptz) AS ms,
      (SELECT count(*) FROM events WHERE received_at > ${since(1)}::timestamptz) AS hour,
      (SELECT count(*) FROM events WHERE received_at > ${since(24)}::timestamptz) AS day`.execute(db)
  const [row] = rows
  return {
    mailboxes: { pending: 0, active: 0, paused: 0, deleted: 0, ...row?.statuses },
    openPauses: Number(row?.open),
    openPausesByCategory: { ...row?.categories },
    openPausesByReason: expect.toSatisfy((found: Stats['openPausesByReason']) => isSameSet(found, row?.reasons ?? [])),
    meanTimeToRecoveryMs: row?.ms === null ? null : Math.round(Number(row?.ms)),
    events: { lastHour: Number(row?.hour), lastDay: Number(row?.day) },
  }
}

function isSameSet(found: readonly object[], counted: readonly object[]): boolean {
  const sorted = (list: readonly object[]): string =>
    JSON.stringify(list.map((item) => JSON.stringify(item)).toSorted())
  return sorted(found) === sorted(counted)
}

async function countGroups(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{
    issue: string
    count: string
  }>`SELECT issue, count(*) FROM quarantine GROUP BY issue`.execute(db)
  return new Map(rows.map(({ issue, count }) => [issue, Number(count)]))
}
