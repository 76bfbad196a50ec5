import { toEventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'
import { sql, type Transaction } from 'kysely'
import type { Tables } from '../database.ts'
import type { OwedEvent } from '../outbox/owed-event.ts'

export interface DuplicateVerdict {
  /** The given events that are duplicates. */
  readonly duplicates: ReadonlySet<string>
  /** Events that became duplicates or are no longer duplicates. Given events that are new can be among them. */
  readonly changed: readonly OwedEvent[]
}

interface Row {
  id: string
  is_duplicate: boolean
  is_given: boolean
  has_changed: boolean
  owner: string
  campaign_id: string
  type: EventType
  handlers: string[]
}

/**
 * Decides which of the given recorded events are duplicates, and reclassifies the events that follow them in arrival
 * order: batches are routed in any order, so a later event may have been compared with the wrong predecessor. The
 * verdicts depend only on the recorded events, not on the order in which they were recorded.
 *
 * An event with a delivery id is a duplicate of the first event of its mailbox and source with that id. An event
 * without one is a duplicate of the mailbox's previous event if payload and source are equal and the two arrived within
 * the window. The caller holds the mailboxes' routing locks.
 */
export async function classifyEvents(
  tx: Transaction<Tables>,
  ids: readonly string[],
  windowMs: number,
): Promise<DuplicateVerdict> {
  const { rows } = await sql<Row>`
    -- fresh: the given events. Materialized, so that they are looked up once.
    WITH fresh AS MATERIALIZED (
      SELECT id, owner, source, campaign_id, delivery_id FROM events WHERE id = ANY(${ids}::uuid[])
    ),
    -- affected: the events whose verdict may change, each with the given event that causes it (cause).
    -- These are the given events, the next event of the mailbox (it has a new predecessor),
    -- and later events with the same delivery id (its first occurrence may be new).
    affected AS (
      SELECT id, id AS cause FROM fresh
      UNION ALL
      SELECT next.id, fresh.id FROM fresh CROSS JOIN LATERAL (
        SELECT id FROM events e
        WHERE e.campaign_id = fresh.campaign_id AND e.owner = fresh.owner AND e.id > fresh.id
        ORDER BY e.id LIMIT 1
      ) AS next
      UNION ALL
      SELECT again.id, fresh.id FROM fresh CROSS JOIN LATERAL (
        SELECT id FROM events e
        WHERE e.campaign_id = fresh.campaign_id AND e.owner = fresh.owner AND e.delivery_id = fresh.delivery_id
          AND e.source = fresh.source AND e.id > fresh.id
      ) AS again
    ),
    -- verdict: for each affected event, the event it duplicates before and after this call; null if it is no duplicate.
    -- An event can have several causes. Its greatest one is kept, which is the event itself if it was given.
    verdict AS (
      SELECT DISTINCT ON (a.id) a.id, a.cause, e.duplicate_of AS before,
        CASE WHEN e.delivery_id IS NOT NULL THEN (
          SELECT d.id FROM events d
          WHERE d.campaign_id = e.campaign_id AND d.owner = e.owner AND d.delivery_id = e.delivery_id
            AND d.source = e.source AND d.id < e.id
          ORDER BY d.id LIMIT 1
        ) ELSE (
          SELECT CASE WHEN p.payload_hash = e.payload_hash AND p.source = e.source
              AND e.received_at - p.received_at <= ${windowMs} * interval '1 millisecond' THEN p.id END
          FROM (
            SELECT id, payload_hash, source, received_at FROM events p
            WHERE p.campaign_id = e.campaign_id AND p.owner = e.owner AND p.id < e.id
            ORDER BY p.id DESC LIMIT 1
          ) AS p
        ) END AS after
      FROM affected a JOIN events e ON e.id = a.id
      ORDER BY a.id, a.cause DESC
    ),
    -- changed: stores the new verdicts. The new seq makes the next fold of the mailbox include the change.
    changed AS (
      UPDATE events e
      SET duplicate_of = v.after, seq = DEFAULT
      FROM verdict v
      WHERE e.id = v.id AND v.before IS DISTINCT FROM v.after
      RETURNING e.id
    )
    -- Only the rows that the caller needs: given duplicates, and events that became or are no longer duplicates.
    SELECT e.id, v.after IS NOT NULL AS is_duplicate, v.cause = e.id AS is_given,
      (v.before IS NULL) <> (v.after IS NULL) AS has_changed, e.owner, e.campaign_id, e.type, e.handlers
    FROM verdict v JOIN events e ON e.id = v.id
    WHERE (v.after IS NOT NULL AND v.cause = e.id) OR (v.before IS NULL) <> (v.after IS NULL)`.execute(tx)
  return {
    duplicates: new Set(rows.filter((row) => row.is_duplicate && row.is_given).map((row) => row.id)),
    changed: rows.filter((row) => row.has_changed).map(toOwedEvent),
  }
}

function toOwedEvent({ id, owner, campaign_id: campaignId, type, handlers }: Row): OwedEvent {
  return { ...toEventRef({ id, owner, campaignId: Number(campaignId) }), type, handlers }
}
