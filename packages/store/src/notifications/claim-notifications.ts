import type { MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Database, Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'

/** The opening or closing of a pause, to be announced once. */
export interface Notification {
  readonly owner: string
  readonly campaignId: number
  readonly kind: 'opened' | 'closed'
  /** The event that opened or closed the pause. */
  readonly eventId: string
  /** A notification of this kind about an event from `sinceEventId` … */
  readonly sinceEventId: string
  /** … and before `beforeEventId` is the same one: a late event can shift the ends of a pause. */
  readonly beforeEventId: string | undefined
}

export interface ClaimedNotifications<N extends Notification> {
  /** To be sent by the caller. */
  readonly claimed: readonly N[]
  /** Being sent by another worker; the result is not known yet. */
  readonly held: readonly N[]
}

export interface ClaimTerms {
  readonly claimId: string
  readonly claimMs: number
}

/**
 * Claims the notifications from `findNotifications` that have not been announced. It is called while the mailboxes are
 * locked: an earlier result could miss notifications that a late event has shifted since. A claim that is neither sent
 * nor released expires after `claimMs`.
 */
export async function claimNotifications<N extends Notification>(
  db: Database,
  mailboxes: readonly MailboxKey[],
  findNotifications: (tx: Queryable) => Promise<readonly N[]>,
  terms: ClaimTerms,
): Promise<ClaimedNotifications<N>> {
  if (mailboxes.length === 0) return { claimed: [], held: [] }
  return db.transaction().execute(async (tx) => {
    await lockMailboxes(tx, 'announcing', mailboxes)
    const notifications = await findNotifications(tx)
    const states = await claim(tx, notifications, terms)
    const inState = (state: ClaimState) =>
      notifications.filter((notification) => states.get(nameOf(notification)) === state)
    return { claimed: inState('claimed'), held: inState('held') }
  })
}

type ClaimState = 'claimed' | 'held'

async function claim(
  tx: Queryable,
  notifications: readonly Notification[],
  { claimId, claimMs }: ClaimTerms,
): Promise<ReadonlyMap<string, ClaimState>> {
  const { rows } = await sql<{ eventId: string; kind: string; state: ClaimState }>`
    WITH wanted AS (
      SELECT * FROM json_to_recordset(${toJsonParameter(notifications.map(toRow))}::json) AS row (owner text, "campaignId" bigint,
        kind text, "eventId" uuid, "sinceEventId" uuid, "beforeEventId" uuid)
    ), known AS (
      SELECT w."eventId", w.kind, bool_or(n.sent_at IS NOT NULL) AS sent,
        bool_or(n.sent_at IS NULL AND n.claimed_at > now() - ${claimMs} * interval '1 millisecond') AS held
      FROM wanted w CROSS JOIN LATERAL (
        SELECT sent_at, claimed_at FROM notifications
        WHERE campaign_id = w."campaignId" AND owner = w.owner AND kind = w.kind
          AND event_id >= w."sinceEventId" AND (w."beforeEventId" IS NULL OR event_id < w."beforeEventId")
        OFFSET 0) AS n
      GROUP BY w."eventId", w.kind
    ), claimed AS (
      INSERT INTO notifications (owner, campaign_id, kind, event_id, claimed_by)
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
  return new Map(rows.map((row) => [nameOf(row), row.state]))
}

/** Drops additional fields, such as the content of the message. */
function toRow({ owner, campaignId, kind, eventId, sinceEventId, beforeEventId }: Notification): Notification {
  return { owner, campaignId, kind, eventId, sinceEventId, beforeEventId }
}

function nameOf({ kind, eventId }: Pick<Notification, 'eventId'> & { readonly kind: string }): string {
  return `${kind} ${eventId}`
}
