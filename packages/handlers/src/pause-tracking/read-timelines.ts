import { foldTimeline, type Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { finishedEventIds } from '@warmhook/store/deliveries/finished-event-ids'
import { loadTimelines } from '@warmhook/store/mailboxes/load-timelines'
import { pauseTracking } from './handler.ts'

/**
 * The timelines of the events' mailboxes, by `mailboxKeyOf`, with these events folded in, whether or not pause tracking
 * has come to them: so no handler has to wait for another. Writes nothing.
 */
export async function readTimelines(
  db: Database,
  events: readonly MailboxEvent[],
): Promise<ReadonlyMap<string, Timeline>> {
  // First what is folded, then the stored state: the other way round an event folded in between would be missed.
  const folded = await finishedEventIds(
    db,
    pauseTracking.name,
    events.map((event) => event.id),
  )
  const open = await loadTimelines(db, events, (eventId) => folded.has(eventId))
  return new Map([...open].map(([key, timeline]) => [key, foldTimeline(timeline.from, timeline.events)]))
}
