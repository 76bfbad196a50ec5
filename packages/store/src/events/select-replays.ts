import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { whereEvent, type EventFilter } from './event-filter.ts'
import { toMailboxEvent } from './to-mailbox-event.ts'

/** An event and the handlers that are to have it again. */
export interface Replay {
  readonly event: MailboxEvent
  readonly handlers: readonly string[]
}

const pageSize = 64

/**
 * The events to be replayed, oldest first, in pages. Duplicates never are; dead events only in the handlers in which
 * they are dead, unless one is named.
 */
export async function* selectReplays(
  db: Queryable,
  filter: EventFilter,
  handler: string | undefined,
): AsyncGenerator<readonly Replay[]> {
  const handlers =
    filter.status === 'dead'
      ? sql<string[]>`ARRAY(SELECT d.handler FROM deliveries d WHERE d.event_id = e.id AND d.status = 'dead')`
      : sql<string[]>`e.handlers`
  for (let after: string | undefined; ;) {
    const all = db
      .selectFrom('events as e')
      .select(['e.id', 'e.event', handlers.as('handlers')])
      .where('e.duplicate_of', 'is', null)
      .orderBy('e.id')
      .limit(pageSize)
    const rows = await whereEvent(after === undefined ? all : all.where('e.id', '>', after), filter).execute()
    if (rows.length > 0) {
      yield rows.map((row) => ({
        event: toMailboxEvent(row.event),
        handlers: handler === undefined ? row.handlers : [handler],
      }))
    }
    if (rows.length < pageSize) return
    after = rows.at(-1)?.id
  }
}
