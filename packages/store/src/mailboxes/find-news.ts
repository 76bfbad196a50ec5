import { closingTypes } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toMailboxEvent } from '../events/to-mailbox-event.ts'
import type { StoredMailbox } from './read-mailboxes.ts'

/** What has been recorded of a mailbox since it was folded. */
export interface News {
  readonly mailbox: StoredMailbox
  /** The earliest of the new events in arrival order. */
  readonly firstId: string
  /** Whether that one arrived before events that are folded already. */
  readonly isLate: boolean
  /** Up to here in the order of recording. */
  readonly seq: number
}

/** The mailboxes that have not been folded since these events were recorded, or their verdict changed. */
export async function findUnfolded(db: Queryable, eventIds: readonly string[]): Promise<readonly MailboxKey[]> {
  const { rows } = await sql<{ owner: string; campaign_id: string }>`
    SELECT DISTINCT e.owner, e.campaign_id
    FROM events e LEFT JOIN mailboxes m ON m.campaign_id = e.campaign_id AND m.owner = e.owner
    WHERE e.id = ANY(${eventIds}::uuid[]) AND e.seq > coalesce(m.folded_seq, 0)`.execute(db)
  return rows.map((row) => ({ owner: row.owner, campaignId: Number(row.campaign_id) }))
}

/** What there is to fold; mailboxes without news are left out. The caller holds their folding locks. */
export async function findNews(tx: Queryable, mailboxes: readonly StoredMailbox[]): Promise<readonly News[]> {
  const { rows } = await sql<{ position: number; first_id: string; seq: string }>`
    SELECT m.position::int AS position, news.first_id, news.seq
    FROM unnest(
      ${mailboxes.map(({ key }) => key.campaignId)}::bigint[],
      ${mailboxes.map(({ key }) => key.owner)}::text[],
      ${mailboxes.map(({ foldedSeq }) => foldedSeq)}::bigint[]
    ) WITH ORDINALITY AS m (campaign_id, owner, folded_seq, position)
    CROSS JOIN LATERAL (
      SELECT max(seq) AS seq, (array_agg(id ORDER BY id))[1] AS first_id FROM events
      WHERE campaign_id = m.campaign_id AND owner = m.owner AND seq > m.folded_seq
    ) AS news
    WHERE news.seq IS NOT NULL`.execute(tx)
  return rows.flatMap(({ position, first_id: firstId, seq }) => {
    const mailbox = mailboxes[position - 1]
    if (mailbox === undefined) return []
    const isLate = firstId <= (mailbox.timeline.mailbox?.lastEventId ?? '')
    return [{ mailbox, firstId, isLate, seq: Number(seq) }]
  })
}

/**
 * The events to fold, without duplicates and in arrival order, by `mailboxKeyOf`: the new ones, or for late news all
 * that `refoldTimeline` needs.
 */
export async function readHistories(
  tx: Queryable,
  news: readonly News[],
): Promise<ReadonlyMap<string, readonly MailboxEvent[]>> {
  const { rows } = await sql<{ event: object }>`
    SELECT e.event
    FROM unnest(
      ${news.map(({ mailbox }) => mailbox.key.campaignId)}::bigint[],
      ${news.map(({ mailbox }) => mailbox.key.owner)}::text[],
      ${news.map(({ firstId }) => firstId)}::uuid[],
      ${news.map(({ isLate }) => isLate)}::boolean[],
      ${news.map(({ seq }) => seq)}::bigint[]
    ) AS news (campaign_id, owner, first_id, is_late, seq)
    LEFT JOIN LATERAL (
      SELECT id FROM events
      WHERE news.is_late AND campaign_id = news.campaign_id AND owner = news.owner AND id < news.first_id
        AND type = ANY(${closingTypes}::text[]) AND duplicate_of IS NULL
      ORDER BY id DESC LIMIT 1
    ) AS closing ON true
    CROSS JOIN LATERAL (
      SELECT id, event FROM events
      WHERE campaign_id = news.campaign_id AND owner = news.owner AND duplicate_of IS NULL AND seq <= news.seq
        AND id >= CASE WHEN news.is_late THEN coalesce(closing.id, ${beforeAll}::uuid) ELSE news.first_id END
    ) AS e
    ORDER BY e.id`.execute(tx)
  return Map.groupBy(
    rows.map((row) => toMailboxEvent(row.event)),
    mailboxKeyOf,
  )
}

const beforeAll = '00000000-0000-0000-0000-000000000000'
