import type { EventType } from '@warmhook/schema/mailbox-event'
import { sql, type SelectQueryBuilder } from 'kysely'
import type { EventTable, Tables } from '../database.ts'
import { openEvents } from '../ledger/read-ledger.ts'
import { containing } from '../page.ts'
import { statusOfEvent, type EventStatus } from './event-status.ts'

export interface EventFilter {
  readonly eventIds?: readonly string[] | undefined
  readonly type?: EventType | undefined
  readonly status?: EventStatus | undefined
  readonly campaignId?: number | undefined
  readonly owner?: string | undefined
  /** ISO 8601. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Part of an e-mail address. */
  readonly q?: string | undefined
}

type EventQuery<Row> = SelectQueryBuilder<Tables & { e: EventTable }, 'e', Row>

/** Narrows a query over `events as e`. */
export function whereEvent<Row>(query: EventQuery<Row>, filter: EventFilter): EventQuery<Row> {
  let narrowed = query
  if (filter.eventIds !== undefined)
    narrowed = narrowed.where(sql<boolean>`e.id = ANY(${[...filter.eventIds]}::uuid[])`)
  if (filter.type !== undefined) narrowed = narrowed.where('e.type', '=', filter.type)
  if (filter.status !== undefined) narrowed = whereStatus(narrowed, filter.status)
  if (filter.campaignId !== undefined) narrowed = narrowed.where('e.campaign_id', '=', String(filter.campaignId))
  if (filter.owner !== undefined) narrowed = narrowed.where('e.owner', '=', filter.owner)
  if (filter.since !== undefined) narrowed = narrowed.where('e.received_at', '>=', new Date(filter.since))
  if (filter.until !== undefined) narrowed = narrowed.where('e.received_at', '<', new Date(filter.until))
  if (filter.q !== undefined) narrowed = narrowed.where('e.email', 'ilike', containing(filter.q))
  return narrowed
}

/** Adds a condition that a partial index can answer for rare statuses, however small their share of all events is. */
function whereStatus<Row>(query: EventQuery<Row>, status: EventStatus): EventQuery<Row> {
  const found = query.where(statusOfEvent, '=', status)
  if (status === 'duplicate') return found.where('e.duplicate_of', 'is not', null)
  if (status === 'processed') return found
  if (status === 'accepted') return found.where(sql<boolean>`e.id IN ${openEvents}`)
  return found.where(sql<boolean>`e.id IN (SELECT event_id FROM deliveries WHERE status = ${sql.lit(status)})`)
}
