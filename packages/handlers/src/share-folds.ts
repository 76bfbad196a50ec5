import { createGroupCommit } from '@warmhook/batching/group-commit'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { Database } from '@warmhook/store/database'
import { foldEvents } from '@warmhook/store/mailboxes/fold-events'

/** Brings the stored mailboxes and pauses of these events up to date with all recorded events. */
export type FoldEvents = (events: readonly EventRef[]) => Promise<void>

/** Maximum number of events folded in one transaction: their locks must fit in Postgres's shared lock table. */
const maxEvents = 1_024
/** Enough for one statement whose answer is lost, which is detected after 12 s, and some successful ones. */
const timeLimitMs = 20_000

/**
 * Shares folding between all handlers of a process. They receive the same events at the same time: separately, each
 * would look them up, lock their mailboxes, and wait for the others only to find that everything is folded.
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
