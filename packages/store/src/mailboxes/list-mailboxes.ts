import type { MailboxStatus } from '@warmhook/schema/mailbox-event'
import { sql, type Selectable } from 'kysely'
import type { MailboxTable, Queryable } from '../database.ts'
import { toShownProfile, type ShownProfile } from './profile-columns.ts'
import { containing, parseCursor, toPage, type Page, type PageRequest } from '../page.ts'

export interface MailboxFilter {
  readonly status?: MailboxStatus | undefined
  readonly owner?: string | undefined
  readonly campaignId?: number | undefined
  readonly tag?: string | undefined
  /** Part of an e-mail address, a name or a campaign id. */
  readonly q?: string | undefined
}

/** A mailbox as shown by the API. */
export interface MailboxView extends ShownProfile {
  readonly campaignId: number
  readonly owner: string
  readonly status: MailboxStatus
  readonly statusSince: string
  readonly reason: string | null
  readonly lastEventId: string
  readonly lastEventAt: string
  /** Mailivery's `status_code` at the last reading, verbatim. */
  readonly statusCode: string | null
  /** When Mailivery's API last contained the mailbox; null if it was never read. */
  readonly confirmedAt: string | null
}

/** Lists mailboxes, the one with the latest event first. */
export async function listMailboxes(
  db: Queryable,
  filter: MailboxFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<MailboxView>> {
  const before = parseCursor(cursor)
  let query = db
    .selectFrom('mailboxes as m')
    .leftJoin('mailbox_readings as r', (join) =>
      join.onRef('r.campaign_id', '=', 'm.campaign_id').onRef('r.owner', '=', 'm.owner'),
    )
    .selectAll('m')
    .select(['r.status_code', sql<Date | null>`nullif(r.read_at, '-infinity')`.as('read_at')])
    .orderBy('m.last_event_id', 'desc')
    .limit(limit + 1)
  if (before !== undefined) query = query.where('m.last_event_id', '<', before)
  if (filter.status !== undefined) query = query.where('m.status', '=', filter.status)
  if (filter.owner !== undefined) query = query.where('m.owner', '=', filter.owner)
  if (filter.campaignId !== undefined) query = query.where('m.campaign_id', '=', String(filter.campaignId))
  if (filter.tag !== undefined) query = query.where(sql<boolean>`${filter.tag} = ANY(m.tags)`)
  if (filter.q !== undefined) {
    const pattern = containing(filter.q)
    query = query.where(
      sql<boolean>`concat_ws(' ', m.email, m.first_name, m.last_name, m.campaign_id::text) ILIKE ${pattern}`,
    )
  }
  return toPage(await query.execute(), limit, (row) => row.last_event_id, toView)
}

type Row = Selectable<MailboxTable> & { readonly status_code: string | null; readonly read_at: Date | null }

function toView(row: Row): MailboxView {
  return {
    campaignId: Number(row.campaign_id),
    owner: row.owner,
    ...toShownProfile(row),
    status: row.status,
    statusSince: row.status_since.toISOString(),
    reason: row.reason,
    lastEventId: row.last_event_id,
    lastEventAt: row.last_event_at.toISOString(),
    statusCode: row.status_code,
    confirmedAt: row.read_at?.toISOString() ?? null,
  }
}
