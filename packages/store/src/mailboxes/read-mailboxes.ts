import { emptyTimeline, type Pause, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql, type Selectable } from 'kysely'
import type { MailboxTable, PauseTable, Queryable } from '../database.ts'
import { toMailboxEvent } from '../events/to-mailbox-event.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A mailbox as it is stored: its state, with its open pause if it has one. */
export interface StoredMailbox {
  readonly key: MailboxKey
  readonly timeline: Timeline
  /** The events folded most recently, so that one that comes again is known. */
  readonly recentEventIds: readonly string[]
}

/** A mailbox that nothing is stored of. */
export function unknownMailbox(key: MailboxKey): StoredMailbox {
  return { key: { owner: key.owner, campaignId: key.campaignId }, timeline: emptyTimeline, recentEventIds: [] }
}

type StoredRow = Selectable<MailboxTable> & { open: Selectable<PauseTable> | null }

/** The stored ones of these mailboxes, by `mailboxKeyOf`. */
export async function readMailboxes(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
): Promise<ReadonlyMap<string, StoredMailbox>> {
  const { rows } = await sql<StoredRow>`
    SELECT m.*, to_json(p) AS open
    FROM json_to_recordset(${toJsonKeys(mailboxes)}::json) AS key (owner text, campaign_id bigint)
    JOIN mailboxes m ON m.campaign_id = key.campaign_id AND m.owner = key.owner
    LEFT JOIN pauses p ON p.campaign_id = m.campaign_id AND p.owner = m.owner AND p.closed_by IS NULL`.execute(db)
  return new Map(rows.map(toStored).map((stored) => [mailboxKeyOf(stored.key), stored]))
}

/** Every retained event of these mailboxes that is no duplicate, in arrival order, by `mailboxKeyOf`. */
export async function readHistories(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
): Promise<ReadonlyMap<string, readonly MailboxEvent[]>> {
  const { rows } = await sql<{ event: object }>`
    SELECT e.event
    FROM json_to_recordset(${toJsonKeys(mailboxes)}::json) AS key (owner text, campaign_id bigint)
    JOIN events e ON e.campaign_id = key.campaign_id AND e.owner = key.owner AND e.duplicate_of IS NULL
    ORDER BY e.id`.execute(db)
  return Map.groupBy(
    rows.map((row) => toMailboxEvent(row.event)),
    mailboxKeyOf,
  )
}

function toStored(row: StoredRow): StoredMailbox {
  return {
    key: { owner: row.owner, campaignId: Number(row.campaign_id) },
    timeline: toTimeline(row),
    recentEventIds: row.recent_event_ids,
  }
}

function toTimeline(row: StoredRow): Timeline {
  return {
    mailbox: {
      status: row.status,
      statusSince: row.status_since.getTime(),
      reason: row.reason,
      lastEventId: row.last_event_id,
      lastEventAt: row.last_event_at.getTime(),
      profile: {
        ...(row.email === null ? {} : { email: row.email }),
        ...(row.first_name === null ? {} : { firstName: row.first_name }),
        ...(row.last_name === null ? {} : { lastName: row.last_name }),
        ...(row.provider === null ? {} : { provider: row.provider }),
        ...(row.tags === null ? {} : { tags: row.tags }),
        ...(row.meta === null ? {} : { meta: row.meta }),
      },
    },
    pauses: row.open === null ? [] : [toOpenPause(row.open)],
  }
}

function toOpenPause(row: Selectable<PauseTable>): Pause {
  return {
    openedBy: row.opened_by,
    // Inside to_json a time is text.
    openedAt: new Date(row.opened_at).getTime(),
    reason: row.reason,
    reasons: row.reasons,
    closed: null,
  }
}

function toJsonKeys(mailboxes: readonly MailboxKey[]): string {
  return toJsonParameter(mailboxes.map(({ owner, campaignId }) => ({ owner, campaign_id: campaignId })))
}
