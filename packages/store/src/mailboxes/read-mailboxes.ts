import { emptyTimeline, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql, type Selectable } from 'kysely'
import type { MailboxTable, PauseTable, Queryable } from '../database.ts'
import { toPause } from '../pauses/to-pause.ts'
import { profileSql, toProfile } from './profile-columns.ts'

/** A stored mailbox: its state, with the pause that its next events can change, if it has one. */
export interface StoredMailbox {
  readonly key: MailboxKey
  readonly timeline: Timeline
  /** The timeline includes all of the mailbox's events up to this `seq`. */
  readonly foldedSeq: number
}

/** A mailbox that is not stored yet. */
export function unknownMailbox(key: MailboxKey): StoredMailbox {
  return { key: { owner: key.owner, campaignId: key.campaignId }, timeline: emptyTimeline, foldedSeq: 0 }
}

/** Those of these mailboxes that are stored, by `mailboxKeyOf`. */
export async function readMailboxes(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
): Promise<ReadonlyMap<string, StoredMailbox>> {
  const { campaignIds, owners } = toColumns(mailboxes)
  const { rows } = await sql<StoredRow>`
    ${selectStored}
    WHERE m.campaign_id = ANY(${campaignIds}::bigint[]) AND m.owner = ANY(${owners}::text[])`.execute(db)
  // The query compares ids and owners separately, so it can also find one owner's id under another owner.
  const wanted = new Set(mailboxes.map(mailboxKeyOf))
  return new Map(
    rows
      .map(toStored)
      .map((stored) => [mailboxKeyOf(stored.key), stored] as const)
      .filter(([key]) => wanted.has(key)),
  )
}

/**
 * The mailbox that each contact shows, by e-mail in lower case: among the owner's folded mailboxes with that address
 * (those of all owners if they share contacts), the one with the latest event that is not deleted, or else the one
 * deleted last. A mailbox that moves to a new campaign is reported as deleted and created, in any order.
 */
export async function readMailboxesOfContacts(
  db: Queryable,
  contacts: readonly { readonly email: string; readonly owner: string }[],
  isShared: boolean,
): Promise<ReadonlyMap<string, StoredMailbox>> {
  const { emails, owners } = { emails: contacts.map(({ email }) => email), owners: contacts.map(({ owner }) => owner) }
  // The expression matches the index mailboxes_by_contact.
  const { rows } = await sql<StoredRow & { contact: string }>`
    SELECT contact, stored.* FROM unnest(${emails}::text[], ${owners}::text[]) AS wanted (contact, owner) CROSS JOIN LATERAL (
      ${selectStored}
      WHERE lower(btrim(left(m.email, 320))) = contact AND (${isShared}::boolean OR m.owner = wanted.owner)
      ORDER BY m.status = 'deleted', CASE WHEN m.status = 'deleted' THEN m.status_since END DESC, m.last_event_id DESC
      LIMIT 1
    ) AS stored`.execute(db)
  return new Map(rows.map((row) => [row.contact, toStored(row)]))
}

/** An owner's mailboxes by campaign id, after the given one (0 for the first page). */
export async function readMailboxesOfOwner(
  db: Queryable,
  owner: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly StoredMailbox[]> {
  const { rows } = await sql<StoredRow>`
    ${selectStored}
    WHERE m.owner = ${owner} AND m.campaign_id > ${after} ORDER BY m.campaign_id LIMIT ${limit}`.execute(db)
  return rows.map(toStored)
}

/** Times are selected as numbers: the driver takes ten times as long to parse Postgres's own format. */
type StoredRow = Omit<Selectable<MailboxTable>, 'status_since' | 'last_event_at'> & {
  status_since: number
  last_event_at: number
  pause: Selectable<PauseTable> | null
}

const selectStored = sql`
  SELECT m.owner, m.campaign_id, ${profileSql.selected('m')}, m.status,
    date_part('epoch', m.status_since) * 1000 AS status_since, m.reason, m.last_event_id,
    date_part('epoch', m.last_event_at) * 1000 AS last_event_at, m.folded_seq, to_json(p) AS pause
  FROM mailboxes m
  LEFT JOIN LATERAL (
    SELECT * FROM pauses WHERE campaign_id = m.campaign_id AND owner = m.owner
      AND (closed_by IS NULL OR closed_proof = 'presumed') LIMIT 1
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
    pauses: row.pause === null ? [] : [toPause(withDates(row.pause))],
  }
}

/** `to_json` renders times as text. */
function withDates(row: Selectable<PauseTable>): Selectable<PauseTable> {
  const closedAt = row.closed_at === null ? null : new Date(row.closed_at)
  return { ...row, opened_at: new Date(row.opened_at), closed_at: closedAt }
}

/** Parameters for `= ANY`, for which Postgres uses an index even without statistics: see `openPostgres`. */
function toColumns(mailboxes: readonly MailboxKey[]) {
  return {
    campaignIds: mailboxes.map(({ campaignId }) => campaignId),
    owners: [...new Set(mailboxes.map(({ owner }) => owner))],
  }
}
