import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'

/** A mailbox whose contact does not show its latest state. */
export interface UnsyncedContact {
  readonly owner: string
  readonly campaignId: number
  readonly email: string | null
  /** `failed`: only a person can help. */
  readonly state: 'waiting' | 'failed'
  readonly reason: string | null
  /** The event that the contact does not show. */
  readonly eventId: string
  readonly receivedAt: string
}

interface Row {
  owner: string
  campaign_id: string
  email: string | null
  status: string
  reason: string | null
  event_id: string
  received_at: Date
}

/** Lists contacts that are not in sync, the one with the latest event first. Reads only events that are open. */
export async function listUnsyncedContacts(
  db: Queryable,
  handler: string,
  { owner }: { readonly owner?: string | undefined },
  { limit, cursor }: PageRequest,
): Promise<Page<UnsyncedContact>> {
  const before = parseCursor(cursor) ?? null
  const { rows } = await sql<Row>`
    WITH open AS (
      SELECT event_id, status, error AS reason FROM deliveries
      WHERE handler = ${handler} AND status IN ('dead', 'failing')
      UNION ALL
      SELECT unnest(event_ids), 'waiting', NULL FROM outbox WHERE handler = ${handler}
    ),
    -- latest: the latest open event of each mailbox, with its reason if it has been tried.
    latest AS (
      SELECT DISTINCT ON (e.campaign_id, e.owner) e.owner, e.campaign_id, open.status, open.reason, e.id AS event_id,
        e.received_at
      FROM open JOIN events e ON e.id = open.event_id
      WHERE ${owner ?? null}::text IS NULL OR e.owner = ${owner ?? null}::text
      ORDER BY e.campaign_id, e.owner, e.id DESC, open.reason IS NULL
    )
    SELECT latest.*, m.email FROM latest
    LEFT JOIN mailboxes m ON m.campaign_id = latest.campaign_id AND m.owner = latest.owner
    -- A later write of the contact included the event.
    WHERE NOT EXISTS (
      SELECT FROM crm_sync c
      WHERE c.email = lower(btrim(left(m.email, 320))) AND c.owner = m.owner AND NOT c.in_doubt
        AND c.synced_event_id >= latest.event_id
    ) AND (${before}::uuid IS NULL OR latest.event_id < ${before}::uuid)
    ORDER BY latest.event_id DESC LIMIT ${limit + 1}`.execute(db)
  return toPage(rows, limit, (row) => row.event_id, toContact)
}

function toContact(row: Row): UnsyncedContact {
  return {
    owner: row.owner,
    campaignId: Number(row.campaign_id),
    email: row.email,
    state: row.status === 'dead' ? 'failed' : 'waiting',
    reason: row.reason,
    eventId: row.event_id,
    receivedAt: row.received_at.toISOString(),
  }
}
