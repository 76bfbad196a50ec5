import { foldTimeline, emptyTimeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql, type Transaction } from 'kysely'
import type { Queryable, Tables } from '../database.ts'
import { toMailboxEvent } from '../events/to-mailbox-event.ts'
import { openEvents } from '../ledger/read-ledger.ts'
import { addRemoved } from '../ledger/removed.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { readBases, saveBases, type MailboxBase } from '../mailboxes/mailbox-bases.ts'

/** A pass over the expired events, in arrival order. */
export interface EventRemoval {
  /** Events before this id have expired. */
  readonly before: string
  /** The last event that was looked at. */
  after: string
  /** Start of the pass, by the database's clock. */
  readonly startedAt: Date
  /** The events that handlers still owed when the pass began. */
  readonly owed: ReadonlySet<string>
  /** Mailboxes with an event that must stay. Their later events stay too: a history is removed from its beginning. */
  readonly held: Set<string>
}

/** Starts to remove the events before the id `before`. The cost grows with the unfinished events. */
export async function beginEventRemoval(db: Queryable, before: string): Promise<EventRemoval> {
  const { rows } = await sql<{ now: Date; owed: string[] }>`
    SELECT now(), ARRAY(SELECT id::text FROM ${openEvents} AS open (id) WHERE id < ${before}::uuid) AS owed`.execute(db)
  const [row] = rows
  if (row === undefined) throw new RangeError('a SELECT without FROM returns one row')
  return { before, after: beforeAll, startedAt: row.now, owed: new Set(row.owed), held: new Set() }
}

const beforeAll = '00000000-0000-0000-0000-000000000000'

interface OldEvent {
  readonly id: string
  readonly owner: string
  readonly campaign_id: string
  readonly state: 'processed' | 'duplicate' | 'dead'
  readonly must_stay: boolean
  /** Null for a duplicate. */
  readonly event: object | null
}

/**
 * Takes the next `limit` events of the pass, and removes those that no handler owes and that are folded into their
 * mailbox, whose base replaces them. Their deliveries are removed too, and the ledger keeps counting them.
 *
 * @returns how many were looked at and removed; if none was looked at, the pass is over
 */
export async function removeNextEvents(
  tx: Transaction<Tables>,
  removal: EventRemoval,
  limit: number,
): Promise<{ readonly seen: number; readonly events: number; readonly deliveries: number }> {
  const events = await takeOldEvents(tx, removal, limit)
  const last = events.at(-1)
  if (last === undefined) return { seen: 0, events: 0, deliveries: 0 }
  const gone = events.filter((event) => {
    const key = mailboxKeyOf(toKey(event))
    if (event.must_stay || removal.owed.has(event.id)) removal.held.add(key)
    return !removal.held.has(key)
  })
  removal.after = last.id
  if (gone.length === 0) return { seen: events.length, events: 0, deliveries: 0 }
  await moveBases(tx, gone)
  const ids = gone.map(({ id }) => id)
  await sql`DELETE FROM events WHERE id = ANY(${ids}::uuid[])`.execute(tx)
  const deliveries = await sql`DELETE FROM deliveries WHERE event_id = ANY(${ids}::uuid[])`.execute(tx)
  for (const [state, { length }] of Map.groupBy(gone, (event) => event.state)) await addRemoved(tx, state, length)
  return { seen: events.length, events: gone.length, deliveries: Number(deliveries.numAffectedRows ?? 0n) }
}

/** Locks the events and their mailboxes: until the transaction ends, they can be neither replayed nor folded. */
async function takeOldEvents(
  tx: Transaction<Tables>,
  { before, after, startedAt }: EventRemoval,
  limit: number,
): Promise<readonly OldEvent[]> {
  const { rows: found } = await sql<{ id: string; owner: string; campaign_id: string }>`
    SELECT id, owner, campaign_id FROM events WHERE id > ${after}::uuid AND id < ${before}::uuid
    ORDER BY id LIMIT ${limit}::int FOR UPDATE`.execute(tx)
  if (found.length === 0) return []
  await lockMailboxes(tx, 'folding', found.map(toKey))
  const ids = found.map(({ id }) => id)
  // A separate statement, which sees what others committed while this transaction waited for the locks.
  const { rows } = await sql<OldEvent>`
    WITH replayed AS MATERIALIZED (
      SELECT unnest(event_ids) AS id FROM outbox
      WHERE created_at >= ${startedAt}::timestamptz - interval '1 minute' AND event_ids && ${ids}::uuid[]
    )
    SELECT e.id, e.owner, e.campaign_id, CASE WHEN e.duplicate_of IS NULL THEN e.event END AS event,
      CASE WHEN e.duplicate_of IS NOT NULL THEN 'duplicate' WHEN EXISTS (
        SELECT FROM deliveries d WHERE d.event_id = e.id AND d.status = 'dead') THEN 'dead' ELSE 'processed' END AS state,
      e.seq > coalesce(m.folded_seq, 0) OR e.id IN (SELECT id FROM replayed) AS must_stay
    FROM events e LEFT JOIN mailboxes m ON m.campaign_id = e.campaign_id AND m.owner = e.owner
    WHERE e.id = ANY(${ids}::uuid[]) ORDER BY e.id`.execute(tx)
  return rows
}

/** Folds the removed events into the bases of their mailboxes. */
async function moveBases(tx: Transaction<Tables>, gone: readonly OldEvent[]): Promise<void> {
  const groups = Map.groupBy(gone, (event) => mailboxKeyOf(toKey(event)))
  const keys = [...groups.values()].flatMap(([first]) => (first === undefined ? [] : [toKey(first)]))
  const bases = await readBases(tx, keys)
  const moved = keys.flatMap((key) => {
    const base = bases.get(mailboxKeyOf(key))
    // Events that arrived too late for the base were never folded: see `foldEvents`.
    const events = (groups.get(mailboxKeyOf(key)) ?? []).filter(({ id }) => id > (base?.upTo ?? ''))
    return events.length === 0 ? [] : [{ key, base: moveBase(base, events) }]
  })
  if (moved.length > 0) await saveBases(tx, moved)
}

function moveBase(base: MailboxBase | undefined, gone: readonly OldEvent[]): MailboxBase {
  const events = gone.flatMap(({ event }) => (event === null ? [] : [toMailboxEvent(event)]))
  const { mailbox, pauses } = foldTimeline(base?.timeline ?? emptyTimeline, events)
  // Other pauses stay in their table, and no event that arrives from now on can change them.
  return {
    upTo: gone.at(-1)?.id ?? base?.upTo ?? beforeAll,
    timeline: { mailbox, pauses: pauses.filter(({ closed }) => closed === null || closed.proof === 'presumed') },
  }
}

function toKey({ owner, campaign_id: campaignId }: Pick<OldEvent, 'owner' | 'campaign_id'>): MailboxKey {
  return { owner, campaignId: Number(campaignId) }
}
