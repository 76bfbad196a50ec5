import { lockMailboxes } from '../lock-mailboxes.ts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A pause's opening or closing that people should hear of once. */
export interface Notice {
  readonly owner: string
  readonly campaignId: number
  readonly kind: 'opened' | 'closed'
  /** The event that opened or closed the pause. */
  readonly eventId: string
  /** A notice of this kind about an event from here … */
  readonly sinceEventId: string
  /** … and before this one says the same: a late event can shift a pause's ends. */
  readonly beforeEventId: string | undefined
}

export interface ClaimedNotices {
  /** The caller's to send. */
  readonly claimed: readonly Notice[]
  /** Being sent by another; whether it succeeds is not known yet. */
  readonly held: readonly Notice[]
}

/** Claims what nobody has announced. A claim whose owner neither sent nor released it is void after `claimMs`. */
export async function claimNotices(
  db: Database,
  notices: readonly Notice[],
  { claimId, claimMs }: { readonly claimId: string; readonly claimMs: number },
): Promise<ClaimedNotices> {
  if (notices.length === 0) return { claimed: [], held: [] }
  const { rows } = await db.transaction().execute(async (tx) => {
    await lockMailboxes(tx, 'announcing', notices)
    return sql<{ eventId: string; kind: string; state: 'claimed' | 'held' }>`
      WITH wanted AS (
        SELECT * FROM json_to_recordset(${toJsonParameter(notices)}::json) AS row (owner text, "campaignId" bigint,
          kind text, "eventId" uuid, "sinceEventId" uuid, "beforeEventId" uuid)
      ), known AS (
        SELECT w."eventId", w.kind, bool_or(n.sent_at IS NOT NULL) AS sent,
          bool_or(n.sent_at IS NULL AND n.claimed_at > now() - ${claimMs} * interval '1 millisecond') AS held
        FROM wanted w JOIN notices n ON n.campaign_id = w."campaignId" AND n.owner = w.owner AND n.kind = w.kind
          AND n.event_id >= w."sinceEventId" AND (w."beforeEventId" IS NULL OR n.event_id < w."beforeEventId")
        GROUP BY w."eventId", w.kind
      ), claimed AS (
        INSERT INTO notices (owner, campaign_id, kind, event_id, claimed_by)
        SELECT w.owner, w."campaignId", w.kind, w."eventId", ${claimId}::uuid
        FROM wanted w LEFT JOIN known k ON k."eventId" = w."eventId" AND k.kind = w.kind
        WHERE k."eventId" IS NULL OR NOT (k.sent OR k.held)
        ON CONFLICT (campaign_id, owner, kind, event_id)
          DO UPDATE SET claimed_by = excluded.claimed_by, claimed_at = excluded.claimed_at
        RETURNING event_id, kind
      )
      SELECT event_id AS "eventId", kind, 'claimed' AS state FROM claimed
      UNION ALL
      SELECT "eventId", kind, 'held' FROM known WHERE held AND NOT sent`.execute(tx)
  })
  const states = new Map(rows.map((row) => [`${row.kind} ${row.eventId}`, row.state]))
  const inState = (state: 'claimed' | 'held') =>
    notices.filter((notice) => states.get(`${notice.kind} ${notice.eventId}`) === state)
  return { claimed: inState('claimed'), held: inState('held') }
}
