import { createGroupCommit } from '@warmhook/batching/group-commit'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { Database } from '@warmhook/store/database'
import { foldEvents } from '@warmhook/store/mailboxes/fold-events'

/** Brings the stored mailboxes and pauses of events up to everything that is recorded of them. */
export type FoldEvents = (events: readonly EventRef[]) => Promise<void>

/** Events folded in one transaction, at most: their locks must fit Postgres's shared table of locks. */
const maxEvents = 1_024
/** For a statement whose answer was lost, which is noticed after 12 s, and some that were not. */
const timeLimitMs = 20_000

/**
 * Folding for all handlers of a process. They get the same events at the same time: apart, each would look them up, lock
 * their mailboxes, and wait for the others only to find everything done.
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
