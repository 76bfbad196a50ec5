import { toEventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { OwedEvent } from '../outbox/owed-event.ts'
import { whereEvent, type EventFilter } from './event-filter.ts'

/** A handler requested by name, and the event types it subscribes to. */
export interface NamedHandler {
  readonly name: string
  readonly subscribes: readonly EventType[]
}

const pageSize = 64

/**
 * Selects the events to replay, oldest first, in pages, with their handlers. Duplicates are never replayed. Dead events
 * are only replayed in the handlers in which they are dead. A named handler gets all selected events that it subscribes
 * to instead.
 */
export async function* selectReplays(
  db: Queryable,
  filter: EventFilter,
  handler: NamedHandler | undefined,
): AsyncGenerator<readonly OwedEvent[]> {
  const handlers =
    filter.status === 'dead'
      ? sql<string[]>`ARRAY(SELECT d.handler FROM deliveries d WHERE d.event_id = e.id AND d.status = 'dead')`
      : sql<string[]>`e.handlers`
  for (let after: string | undefined; ;) {
    const all = db
      .selectFrom('events as e')
      .select(['e.id', 'e.owner', 'e.campaign_id', 'e.type', handlers.as('handlers')])
      .where('e.duplicate_of', 'is', null)
      .orderBy('e.id')
      .limit(pageSize)
    const rows = await whereEvent(after === undefined ? all : all.where('e.id', '>', after), filter).execute()
    if (rows.length > 0) {
      yield rows.map((row) => ({
        ...toEventRef({ id: row.id, owner: row.owner, campaignId: Number(row.campaign_id) }),
        type: row.type,
        handlers: handler === undefined ? row.handlers : namesOf(handler, row.type),
      }))
    }
    if (rows.length < pageSize) return
    after = rows.at(-1)?.id
  }
}

function namesOf({ name, subscribes }: NamedHandler, type: EventType): readonly string[] {
  return subscribes.includes(type) ? [name] : []
}
