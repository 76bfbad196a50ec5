import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { DeliveryStatus, Queryable } from '../database.ts'
import { showBody, type ShownBody } from '../show-body.ts'
import type { EventView } from './list-events.ts'
import { statusOfEvent } from './event-status.ts'
import { toMailboxEvent } from './to-mailbox-event.ts'

/** The state of an event in one handler. */
export interface DeliveryView {
  readonly handler: string
  readonly status: DeliveryStatus
  readonly attempts: number
  /** Why it failed, or a note on how it succeeded. */
  readonly note: string | null
  readonly startedAt: string
  readonly finishedAt: string
}

/** An event with its body and deliveries. */
export interface EventDetail extends EventView, ShownBody {
  readonly event: MailboxEvent
  readonly duplicateOf: string | null
  readonly deliveries: readonly DeliveryView[]
}

/** Reads the event with this id, if it exists. */
export async function readEvent(db: Queryable, id: string): Promise<EventDetail | undefined> {
  const row = await db
    .selectFrom('events as e')
    .selectAll('e')
    .select(statusOfEvent.as('status'))
    .where('e.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const deliveries = await db
    .selectFrom('deliveries')
    .selectAll()
    .where('event_id', '=', id)
    .orderBy('handler')
    .execute()
  return {
    id: row.id,
    owner: row.owner,
    source: row.source,
    type: row.type,
    campaignId: Number(row.campaign_id),
    email: row.email,
    receivedAt: row.received_at.toISOString(),
    status: row.status,
    ...(await showBody(row.raw, row.content_encoding)),
    event: toMailboxEvent(row.event),
    warnings: row.warnings ?? [],
    duplicateOf: row.duplicate_of,
    deliveries: deliveries.map((delivery) => ({
      handler: delivery.handler,
      status: delivery.status,
      attempts: delivery.attempts,
      note: delivery.error,
      startedAt: delivery.started_at.toISOString(),
      finishedAt: delivery.finished_at.toISOString(),
    })),
  }
}
