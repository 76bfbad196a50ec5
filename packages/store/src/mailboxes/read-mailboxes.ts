import { emptyTimeline, type Pause, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql, type Selectable } from 'kysely'
import type { MailboxTable, PauseTable, Queryable } from '../database.ts'
import { profileSql, toProfile } from './profile-columns.ts'

/** A mailbox as it is stored: its state, with its open pause if it has one. */
export interface StoredMailbox {
  readonly key: MailboxKey
  readonly timeline: Timeline
  /** Everything recorded of the mailbox up to here, in the order of recording, is in the timeline. */
  readonly foldedSeq: number
}

/** A mailbox that nothing is stored of. */
export function unknownMailbox(key: MailboxKey): StoredMailbox {
  return { key: { owner: key.owner, campaignId: key.campaignId }, timeline: emptyTimeline, foldedSeq: 0 }
}

/** The stored ones of these mailboxes, by `mailboxKeyOf`. */
export async function readMailboxes(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
): Promise<ReadonlyMap<string, StoredMailbox>> {
  const { campaignIds, owners } = toColumns(mailboxes)
  const { rows } = await sql<StoredRow>`
    ${selectStored}
    WHERE m.campaign_id = ANY(${campaignIds}::bigint[]) AND m.owner = ANY(${owners}::text[])`.execute(db)
  // An id of one owner beside another's: the query has found more than was asked for.
  const wanted = new Set(mailboxes.map(mailboxKeyOf))
  return new Map(
    rows
      .map(toStored)
      .map((stored) => [mailboxKeyOf(stored.key), stored] as const)
      .filter(([key]) => wanted.has(key)),
  )
}

/**
 * The mailbox that each contact shows, by e-mail in lower case: of its owner's folded mailboxes with that address (of all
 * owners', where they share contacts) one that is not deleted, and of these the one with the latest event; of deleted
 * ones the one that was deleted last. A mailbox that moved to a new campaign is told of as deleted and created, in any order.
 */
export async function readMailboxesOfContacts(
  db: Queryable,
  contacts: readonly { readonly email: string; readonly owner: string }[],
  isShared: boolean,
): Promise<ReadonlyMap<string, StoredMailbox>> {
  const { emails, owners } = { emails: contacts.map(({ email }) => email), owners: contacts.map(({ owner }) => owner) }
  // The expression is that of the index mailboxes_by_contact.
  const { rows } = await sql<StoredRow & { contact: string }>`
    SELECT contact, stored.* FROM unnest(${emails}::text[], ${owners}::text[]) AS wanted (contact, owner) CROSS JOIN LATERAL (
      ${selectStored}
      WHERE lower(btrim(left(m.email, 320))) = contact AND (${isShared}::boolean OR m.owner = wanted.owner)
      ORDER BY m.status = 'deleted', CASE WHEN m.status = 'deleted' THEN m.status_since END DESC, m.last_event_id DESC
      LIMIT 1
    ) AS stored`.execute(db)
  return new Map(rows.map((row) => [row.contact, toStored(row)]))
}

/** Times come as numbers: what the driver makes of Postgres's own form takes it ten times as long. */
type StoredRow = Omit<Selectable<MailboxTable>, 'status_since' | 'last_event_at'> & {
  status_since: number
  last_event_at: number
  open: Selectable<PauseTable> | null
}

const selectStored = sql`
  SELECT m.owner, m.campaign_id, ${profileSql.selected('m')}, m.status,
    date_part('epoch', m.status_since) * 1000 AS status_since, m.reason, m.last_event_id,
    date_part('epoch', m.last_event_at) * 1000 AS last_event_at, m.folded_seq, to_json(p) AS open
  FROM mailboxes m
  LEFT JOIN LATERAL (
    SELECT * FROM pauses WHERE campaign_id = m.campaign_id AND owner = m.owner AND closed_by IS NULL LIMIT 1
  ) AS p ON true`

function toStored(row: StoredRow): StoredMailbox {
  return {
    key: { owner: row.owner, campaignId: Number(row.campaign_id) },
    timeline: toTimeline(row),
    foldedSeq: Number(row.folded_seq),
  }
}

function toTimeline(row: StoredRow): Timeline {
  return {
    mailbox: {
      status: row.status,
      statusSince: Math.round(row.status_since),
      reason: row.reason,
      lastEventId: row.last_event_id,
      lastEventAt: Math.round(row.last_event_at),
      profile: toProfile(row),
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

/** For `= ANY`, which Postgres answers from an index even where it has no statistics yet: see `openPostgres`. */
function toColumns(mailboxes: readonly MailboxKey[]) {
  return {
    campaignIds: mailboxes.map(({ campaignId }) => campaignId),
    owners: [...new Set(mailboxes.map(({ owner }) => owner))],
  }
}
