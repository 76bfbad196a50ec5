import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toMailboxEvent } from '../events/to-mailbox-event.ts'
import type { StoredMailbox } from './read-mailboxes.ts'

/** Events recorded for a mailbox since it was last folded. */
export interface News {
  readonly mailbox: StoredMailbox
  /** The new events without duplicates, in arrival order. */
  readonly events: readonly MailboxEvent[]
  /** The first of the new events in arrival order, even if it is a duplicate. */
  readonly firstId: string
  /** Whether it arrived before events that are already folded. */
  readonly isLate: boolean
  /** The greatest `seq` among the new events. */
  readonly seq: number
}

/** The mailboxes that have not been folded since these events were recorded or their verdict changed. */
export async function findUnfolded(db: Queryable, eventIds: readonly string[]): Promise<readonly MailboxKey[]> {
  const { rows } = await sql<{ owner: string; campaign_id: string }>`
    SELECT DISTINCT e.owner, e.campaign_id
    FROM events e LEFT JOIN mailboxes m ON m.campaign_id = e.campaign_id AND m.owner = e.owner
    WHERE e.id = ANY(${eventIds}::uuid[]) AND e.seq > coalesce(m.folded_seq, 0)`.execute(db)
  return rows.map((row) => ({ owner: row.owner, campaignId: Number(row.campaign_id) }))
}

interface NewsRow {
  position: number
  id: string
  seq: string
  event: object | null
}

/** Finds the events to fold; mailboxes without news are left out. The caller holds their folding locks. */
export async function findNews(tx: Queryable, mailboxes: readonly StoredMailbox[]): Promise<readonly News[]> {
  const { rows } = await sql<NewsRow>`
    SELECT m.position::int AS position, e.id, e.seq, CASE WHEN e.duplicate_of IS NULL THEN e.event END AS event
    FROM unnest(
      ${mailboxes.map(({ key }) => key.campaignId)}::bigint[],
      ${mailboxes.map(({ key }) => key.owner)}::text[],
      ${mailboxes.map(({ foldedSeq }) => foldedSeq)}::bigint[]
    ) WITH ORDINALITY AS m (campaign_id, owner, folded_seq, position)
    JOIN events e ON e.campaign_id = m.campaign_id AND e.owner = m.owner AND e.seq > m.folded_seq
    ORDER BY e.id`.execute(tx)
  const groups = Map.groupBy(rows, ({ position }) => mailboxes[position - 1])
  return [...groups].flatMap(([mailbox, news]) => {
    const [first] = news
    return mailbox === undefined || first === undefined ? [] : [toNews(mailbox, first.id, news)]
  })
}

function toNews(mailbox: StoredMailbox, firstId: string, rows: readonly NewsRow[]): News {
  return {
    mailbox,
    events: rows.flatMap(({ event }) => (event === null ? [] : [toMailboxEvent(event)])),
    firstId,
    isLate: firstId <= (mailbox.timeline.mailbox?.lastEventId ?? ''),
    seq: rows.reduce((latest, { seq }) => Math.max(latest, Number(seq)), 0),
  }
}

/** The input of `refoldTimeline` for late news: events without duplicates, in arrival order. */
export interface History {
  readonly events: readonly MailboxEvent[]
  readonly isWhole: boolean
  /** Whether an earlier event may have deleted the campaign before them. */
  readonly mayFollowDeletion: boolean
}

/** The recent histories of late news, by `mailboxKeyOf`. */
export async function readHistories(tx: Queryable, late: readonly News[]): Promise<ReadonlyMap<string, History>> {
  const { rows } = await sql<HistoryRow>`
    SELECT e.event, e.id < closing.id AS "isBefore", closing.id IS NULL AS "isWhole",
      NOT closing.begins_life AND life.id IS NULL AS "mayFollowDeletion"
    FROM unnest(
      ${late.map(({ mailbox }) => mailbox.key.campaignId)}::bigint[],
      ${late.map(({ mailbox }) => mailbox.key.owner)}::text[],
      ${late.map(({ firstId }) => firstId)}::uuid[],
      ${late.map(({ seq }) => seq)}::bigint[]
    ) AS news (campaign_id, owner, first_id, seq)
    -- The last firm closing before the news (see isFirmClosing): the refold can start there instead of at the beginning.
    LEFT JOIN LATERAL (
      SELECT id, ${statusOf} = 'active' AS begins_life FROM events
      WHERE campaign_id = news.campaign_id AND owner = news.owner AND id < news.first_id AND duplicate_of IS NULL
        AND ${isOfLives} AND ${statusOf} IN ('active', 'deleted')
      ORDER BY id DESC LIMIT 1
    ) AS closing ON true
    -- The last start or deletion of the campaign before the closing event: after a deletion, that event has no effect.
    -- Skipped if the closing event begins a life itself.
    LEFT JOIN LATERAL (
      SELECT id, ${statusOf} AS status FROM events
      WHERE NOT closing.begins_life AND campaign_id = news.campaign_id AND owner = news.owner AND id < closing.id
        AND ${isOfLives} AND duplicate_of IS NULL
      ORDER BY id DESC LIMIT 1
    ) AS life ON true
    -- The events to fold again: from the closing event on, or all if there is none. A deletion found above comes first.
    CROSS JOIN LATERAL (
      SELECT id, event FROM events
      WHERE campaign_id = news.campaign_id AND owner = news.owner AND duplicate_of IS NULL AND seq <= news.seq
        AND id >= coalesce(closing.id, ${beforeAll}::uuid)
      UNION ALL
      SELECT id, event FROM events WHERE life.status = 'deleted' AND id = life.id
    ) AS e
    ORDER BY e.id`.execute(tx)
  const groups = Map.groupBy(
    rows.map((row) => ({ ...row, event: toHistoryEvent(row) })),
    ({ event }) => mailboxKeyOf(event),
  )
  return new Map(
    [...groups].map(([key, group]) => [
      key,
      {
        events: group.map(({ event }) => event),
        isWhole: group.every(({ isWhole }) => isWhole),
        mayFollowDeletion: group.some(({ mayFollowDeletion }) => mayFollowDeletion === true),
      },
    ]),
  )
}

/** Matches the index events_of_lives. */
const isOfLives = sql`type IN ('campaign.created', 'campaign.pending', 'campaign.deleted', 'mailbox.reconciled')`

/** The status after an event of these types: see `statusOf` in the schema. */
const statusOf = sql`CASE type
  WHEN 'campaign.created' THEN 'active' WHEN 'campaign.pending' THEN 'pending' WHEN 'campaign.deleted' THEN 'deleted'
  ELSE event->>'status' END`

interface HistoryRow {
  readonly event: object
  /** Null in a history without a closing event. */
  readonly isBefore: boolean | null
  readonly isWhole: boolean
  readonly mayFollowDeletion: boolean | null
}

function toHistoryEvent({ event, isBefore }: HistoryRow): MailboxEvent {
  const parsed = toMailboxEvent(event)
  return isBefore === true ? { ...parsed, profile: {} } : parsed
}

/** The whole history after the event `after`, for late news whose recent history is not sufficient. */
export async function readWholeHistory(
  tx: Queryable,
  { mailbox, seq }: News,
  after: string = beforeAll,
): Promise<readonly MailboxEvent[]> {
  const { owner, campaignId } = mailbox.key
  const { rows } = await sql<{ event: object }>`
    SELECT event FROM events
    WHERE campaign_id = ${campaignId} AND owner = ${owner} AND duplicate_of IS NULL AND seq <= ${seq}
      AND id > ${after}::uuid
    ORDER BY id`.execute(tx)
  return rows.map((row) => toMailboxEvent(row.event))
}

const beforeAll = '00000000-0000-0000-0000-000000000000'
