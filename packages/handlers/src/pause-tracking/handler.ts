import { done } from '@warmhook/queue/outcome'
import { EventType, type MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { lockMailboxes } from '@warmhook/store/lock-mailboxes'
import { loadTimelines, type OpenTimeline } from '@warmhook/store/mailboxes/load-timelines'
import { saveTimelines, type FoldedTimeline } from '@warmhook/store/mailboxes/save-timelines'
import { foldTimeline } from '@warmhook/schema/fold-timeline'
import { defineHandler } from '../handler.ts'

/** Keeps `mailboxes` and `pauses` equal to the fold of each mailbox's events. */
export const pauseTracking = defineHandler({
  name: 'pause-tracking',
  subscribes: EventType.options,
  policy: { attempts: 20, firstDelayMs: 500, maxDelayMs: 60_000, timeoutMs: 20_000 },
  env: {},
  create:
    (_env, { db }) =>
    async (events) => {
      await trackPauses(db, events)
      return new Map(events.map((event) => [event.id, done()]))
    },
})

async function trackPauses(db: Database, events: readonly MailboxEvent[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockMailboxes(tx, 'folding', events)
    // An event that this handler is given has not been folded, or its outcome was lost: then it is folded again.
    const timelines = await loadTimelines(tx, events, () => false)
    await saveTimelines(tx, [...timelines.values()].map(fold))
  })
}

function fold({ mailbox, from, events, isWhole }: OpenTimeline): FoldedTimeline {
  return { mailbox, timeline: foldTimeline(from, events), wholeSince: isWhole ? events[0]?.id : undefined }
}
