import type { EventType } from '@warmhook/schema/mailbox-event'
import type { Queryable } from '../database.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'
import { whereEvent, type EventFilter } from './event-filter.ts'
import { statusOfEvent, type EventStatus } from './event-status.ts'

/** An event as listed by the API. */
export interface EventView {
  readonly id: string
  readonly owner: string
  /** The sender, or `reconcile` for a correction. */
  readonly source: string
  readonly type: EventType
  readonly campaignId: number
  readonly email: string | null
  readonly receivedAt: string
  readonly status: EventStatus
  /** Parts of the payload that do not match the documented format, and how they were read. */
  readonly warnings: readonly string[]
}

/** Lists events, latest first. */
export async function listEvents(
  db: Queryable,
  filter: EventFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<EventView>> {
  const before = parseCursor(cursor)
  const all = db
    .selectFrom('events as e')
    .select(['e.id', 'e.owner', 'e.source', 'e.type', 'e.campaign_id', 'e.email', 'e.received_at', 'e.warnings'])
    .select(statusOfEvent.as('status'))
    .orderBy('e.id', 'desc')
    .limit(limit + 1)
  const query = whereEvent(before === undefined ? all : all.where('e.id', '<', before), filter)
  return toPage(
    await query.execute(),
    limit,
    (row) => row.id,
    (row) => ({
      id: row.id,
      owner: row.owner,
      source: row.source,
      type: row.type,
      campaignId: Number(row.campaign_id),
      email: row.email,
      receivedAt: row.received_at.toISOString(),
      status: row.status,
      warnings: row.warnings ?? [],
    }),
  )
}
