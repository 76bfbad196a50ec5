import { done } from '@warmhook/queue/outcome'
import { EventType } from '@warmhook/schema/mailbox-event'
import { defineHandler } from '../handler.ts'

/** Keeps `mailboxes` and `pauses` up to date with the fold of each mailbox's events. */
export const pauseTracking = defineHandler({
  name: 'pause-tracking',
  subscribes: EventType.options,
  policy: {
    batchMax: 1_000,
    overlap: 'full batch',
    attempts: 20,
    firstDelayMs: 500,
    maxDelayMs: 60_000,
    timeoutMs: 20_000,
  },
  parse: () => ({}),
  create:
    (_settings, { fold }) =>
    async (events) => {
      await fold(events)
      return new Map(events.map((event) => [event.id, done()]))
    },
})
