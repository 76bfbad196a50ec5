import { createGroupCommit } from '@warmhook/batching/group-commit'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { Database } from '@warmhook/store/database'
import { foldEvents } from '@warmhook/store/mailboxes/fold-events'

/** Updates the stored mailboxes and pauses of these events from everything recorded. */
export type FoldEvents = (events: readonly EventRef[]) => Promise<void>

/** Maximum number of events per transaction: their locks must fit into Postgres's lock table. */
const maxEvents = 1_024
/** Enough for a statement whose answer was lost, which is detected after 12 s, and some normal ones. */
const timeLimitMs = 20_000

/**
 * Folding for all handlers of a process. They receive the same events at the same time: with separate folds, each would look up
 * the events, lock their mailboxes, and wait for the others only to find that nothing is left to do.
 */
export function shareFolds(db: Database): FoldEvents {
  const group = createGroupCommit<readonly EventRef[]>({
    commit: (batches) => foldEvents(db, batches.flat()),
    sizeOf: (events) => events.length,
    maxItems: Number.POSITIVE_INFINITY,
    maxSize: maxEvents,
    timeLimitMs,
    maxConcurrent: 1,
  })
  return (events) => group.submit(events)
}
