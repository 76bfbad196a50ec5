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
}

/** Lists mailboxes, the one with the latest event first. */
export async function listMailboxes(
  db: Queryable,
  filter: MailboxFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<MailboxView>> {
  const before = parseCursor(cursor)
  let query = db
    .selectFrom('mailboxes')
    .selectAll()
    .orderBy('last_event_id', 'desc')
    .limit(limit + 1)
  if (before !== undefined) query = query.where('last_event_id', '<', before)
  if (filter.status !== undefined) query = query.where('status', '=', filter.status)
  if (filter.owner !== undefined) query = query.where('owner', '=', filter.owner)
  if (filter.campaignId !== undefined) query = query.where('campaign_id', '=', String(filter.campaignId))
  if (filter.tag !== undefined) query = query.where(sql<boolean>`${filter.tag} = ANY(tags)`)
  if (filter.q !== undefined) {
    const pattern = containing(filter.q)
    query = query.where(sql<boolean>`concat_ws(' ', email, first_name, last_name, campaign_id::text) ILIKE ${pattern}`)
  }
  return toPage(await query.execute(), limit, (row) => row.last_event_id, toView)
}

function toView(row: Selectable<MailboxTable>): MailboxView {
  return {
    campaignId: Number(row.campaign_id),
    owner: row.owner,
    ...toShownProfile(row),
    status: row.status,
    statusSince: row.status_since.toISOString(),
    reason: row.reason,
    lastEventId: row.last_event_id,
    lastEventAt: row.last_event_at.toISOString(),
  }
}
