import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '../database.ts'
import { recordReceipts, type Receipt } from '../ledger/record-receipts.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { classifyEvents } from './classify-events.ts'
import { insertEvents, type RoutedEvent } from './insert-events.ts'
import { leaveQuarantine, recordQuarantine, type RefusedEnvelope } from '../quarantine/record-quarantine.ts'

/** What the router has read in one intake job. */
export interface RoutedBatch {
  /** The job's id. */
  readonly id: string
  /** A replay's envelopes were counted when they first came. */
  readonly isReplay: boolean
  readonly events: readonly RoutedEvent[]
  readonly refused: readonly RefusedEnvelope[]
}

export interface RecordedBatches {
  /** What handlers have to be given: the events without duplicates, and earlier events that these showed to be none. */
  readonly forHandlers: readonly MailboxEvent[]
  readonly duplicates: number
}

/**
 * Records batches and decides their duplicates in one transaction. Repeating the call, also after a crash at any point
 * and with the batches grouped otherwise, records nothing twice and gives the same answer, unless later events have
 * changed it.
 */
export async function recordBatches(
  db: Database,
  batches: readonly RoutedBatch[],
  dedupeWindowMs: number,
): Promise<RecordedBatches> {
  // A job can be in a group twice, in another form: each event is handed out once.
  const events = [...new Map(batches.flatMap((batch) => batch.events).map((event) => [event.event.id, event])).values()]
  const refused = batches.flatMap((batch) => batch.refused)
  return db.transaction().execute(async (tx) => {
    await lockMailboxes(
      tx,
      'routing',
      events.map(({ event }) => event),
    )
    await recordReceipts(tx, toReceipts(batches))
    const ids = events.map(({ event }) => event.id)
    if (events.length > 0) {
      await insertEvents(tx, events)
      await leaveQuarantine(tx, ids)
    }
    // After the events: an envelope that is an event is not quarantined as well.
    if (refused.length > 0) await recordQuarantine(tx, refused)
    if (events.length === 0) return { forHandlers: [], duplicates: 0 }
    const verdict = await classifyEvents(tx, ids, dedupeWindowMs)
    const kept = events.filter(({ event }) => !verdict.duplicates.has(event.id)).map(({ event }) => event)
    return { forHandlers: [...kept, ...verdict.revived], duplicates: verdict.duplicates.size }
  })
}

function toReceipts(batches: readonly RoutedBatch[]): readonly Receipt[] {
  return batches
    .filter((batch) => !batch.isReplay)
    .map(({ id, events, refused }) => ({ jobId: id, envelopes: events.length + refused.length }))
}
