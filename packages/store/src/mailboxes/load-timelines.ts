import { emptyTimeline, type Pause, type Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql, type Selectable } from 'kysely'
import type { MailboxTable, PauseTable, Queryable } from '../database.ts'
import { toMailboxEvent } from '../events/to-mailbox-event.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** Where the fold of a mailbox starts, and the events still to be folded, in arrival order. */
export interface OpenTimeline {
  readonly mailbox: MailboxKey
  readonly from: Timeline
  readonly events: readonly MailboxEvent[]
  /** True when `from` is empty and `events` is the whole retained history. */
  readonly isWhole: boolean
}

/**
 * One timeline per mailbox of the given events, by `mailboxKeyOf`. It starts at the stored state, which already holds
 * the events that `isFolded` names; where one of the others is older than the stored state, it starts at the beginning.
 */
export async function loadTimelines(
  db: Queryable,
  events: readonly MailboxEvent[],
  isFolded: (eventId: string) => boolean,
): Promise<ReadonlyMap<string, OpenTimeline>> {
  const byMailbox = Map.groupBy(events, mailboxKeyOf)
  const stored = await loadStored(
    db,
    [...byMailbox.values()].flatMap((group) => group.slice(0, 1)),
  )
  const timelines = new Map<string, OpenTimeline>()
  const late: MailboxKey[] = []
  for (const [key, group] of byMailbox) {
    const mailbox = toKey(group)
    const from = stored.get(key) ?? emptyTimeline
    const unfolded = group.filter((event) => !isFolded(event.id)).toSorted(inArrivalOrder)
    const lastEventId = from.mailbox?.lastEventId ?? ''
    if (unfolded.some((event) => event.id <= lastEventId)) late.push(mailbox)
    else timelines.set(key, { mailbox, from, events: unfolded, isWhole: false })
  }
  for (const [key, whole] of await loadHistories(db, late)) timelines.set(key, whole)
  return timelines
}

function inArrivalOrder(a: MailboxEvent, b: MailboxEvent): number {
  return a.id < b.id ? -1 : 1
}

function toKey(group: readonly MailboxEvent[]): MailboxKey {
  const [first] = group
  if (first === undefined) throw new RangeError('a group of events is never empty')
  return { owner: first.owner, campaignId: first.campaignId }
}

type StoredRow = Selectable<MailboxTable> & { open: Selectable<PauseTable> | null }

async function loadStored(db: Queryable, mailboxes: readonly MailboxKey[]): Promise<Map<string, Timeline>> {
  const { rows } = await sql<StoredRow>`
    SELECT m.*, to_json(p) AS open
    FROM json_to_recordset(${toJsonKeys(mailboxes)}::json) AS key (owner text, campaign_id bigint)
    JOIN mailboxes m ON m.campaign_id = key.campaign_id AND m.owner = key.owner
    LEFT JOIN pauses p ON p.campaign_id = m.campaign_id AND p.owner = m.owner AND p.closed_by IS NULL`.execute(db)
  return new Map(
    rows.map((row) => [mailboxKeyOf({ owner: row.owner, campaignId: Number(row.campaign_id) }), toTimeline(row)]),
  )
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
    openedAt: new Date(row.opened_at).getTime(),
    reason: row.reason,
    reasons: row.reasons,
    closed: null,
  }
}

async function loadHistories(db: Queryable, mailboxes: readonly MailboxKey[]): Promise<Map<string, OpenTimeline>> {
  if (mailboxes.length === 0) return new Map()
  const { rows } = await sql<{ event: object }>`
    SELECT e.event
    FROM json_to_recordset(${toJsonKeys(mailboxes)}::json) AS key (owner text, campaign_id bigint)
    JOIN events e ON e.campaign_id = key.campaign_id AND e.owner = key.owner
    ORDER BY e.id`.execute(db)
  const histories = Map.groupBy(
    rows.map((row) => toMailboxEvent(row.event)),
    mailboxKeyOf,
  )
  return new Map(
    [...histories].map(([key, events]) => [
      key,
      { mailbox: toKey(events), from: emptyTimeline, events, isWhole: true },
    ]),
  )
}

function toJsonKeys(mailboxes: readonly MailboxKey[]): string {
  return toJsonParameter(mailboxes.map(({ owner, campaignId }) => ({ owner, campaign_id: campaignId })))
}
