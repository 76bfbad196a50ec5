import type { EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Outcome } from './outcome.ts'
import type { BatchContext } from './start-batch-worker.ts'

/** A batch whose process died so often while it had the batch is suspected of having killed it, and halved. */
export const halveAfterDeaths = 2

/**
 * Something that stands alone is tried in a process of its own then. That costs a second of a processor, and workers
 * that are killed a few times in a row have many such jobs in hand, all of them innocent.
 */
export const tryApartAfterDeaths = 4

/** How a suspect is found out without the death of more workers. */
export interface Isolation {
  /** Queues parts of a suspected batch as jobs of their own. */
  readonly split: (parts: readonly EventBatch[]) => Promise<void>
  /** Handles one event in a process of its own, and says so should that die. */
  readonly handleApart: (event: MailboxEvent, signal: AbortSignal) => Promise<Outcome>
}

/** The halves of a suspected batch: in the end the event that kills stands alone. */
export function halve({ payload }: BatchContext<EventBatch>): readonly EventBatch[] {
  const { events } = payload
  const middle = Math.ceil(events.length / 2)
  return [
    { ...payload, events: events.slice(0, middle) },
    { ...payload, events: events.slice(middle), dead: [] },
  ]
}
