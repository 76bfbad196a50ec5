import { randomUUID } from 'node:crypto'
import { toEventRef } from '@warmhook/schema/event-ref'
import { sql, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { addRemoved } from '../ledger/removed.ts'
import { recordReceipts, type Receipt } from '../ledger/record-receipts.ts'
import { lockMailboxes } from '../lock-mailboxes.ts'
import { classifyEvents } from './classify-events.ts'
import { insertEvents, type RoutedEvent } from './insert-events.ts'
import type { OutboxJob, OwedEvent } from '../outbox/owed-event.ts'
import { writeOutbox } from '../outbox/write-outbox.ts'
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

export interface RecordTerms {
  readonly dedupeWindowMs: number
  /** Cuts what handlers are to be given into jobs; with `replayId`, whatever became of the events before. */
  readonly plan: (events: readonly OwedEvent[], replayId?: string) => readonly OutboxJob[]
}

export interface RecordedBatches {
  /** Written to the outbox: new events without duplicates, and earlier events on which the verdict has changed. */
  readonly jobs: readonly OutboxJob[]
  readonly duplicates: number
}

/**
 * Records batches, decides their duplicates and writes down what handlers owe, in one transaction. Repeating the call,
 * also after a crash at any point and with the batches grouped otherwise, records nothing twice and owes nothing twice.
 */
export async function recordBatches(
  db: Database,
  batches: readonly RoutedBatch[],
  { dedupeWindowMs, plan }: RecordTerms,
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
    const added = events.length > 0 ? await insertEvents(tx, events) : noIds
    const released = events.length > 0 ? await leaveQuarantine(tx, ids) : noIds
    // After the events: an envelope that is an event is not quarantined as well.
    const quarantined = refused.length > 0 ? await recordQuarantine(tx, refused) : noIds
    const isBack = (id: string): boolean => (added.has(id) && !released.has(id)) || quarantined.has(id)
    await addRemoved(tx, 'quarantined', -replayedIds(batches).filter(isBack).length)
    if (events.length === 0) return { jobs: [], duplicates: 0 }
    const { duplicates, changed } = await classifyEvents(tx, ids, dedupeWindowMs)
    const adopted = await adoptEvents(
      tx,
      ids.filter((id) => !added.has(id)),
    )
    const fresh = events.flatMap(({ event, handlers: wanted }) => {
      const handlers = added.has(event.id) ? wanted : adopted.get(event.id)
      if (handlers === undefined || duplicates.has(event.id)) return []
      return [{ ...toEventRef(event), type: event.type, handlers }]
    })
    const isNew = new Set([...added, ...fresh.map(({ id }) => id)])
    const again = changed.filter(({ id }) => !isNew.has(id))
    // A run of its own for every change: the handlers are told also where they are done with the event.
    const jobs = [...plan(fresh), ...plan(again, randomUUID())]
    await writeOutbox(tx, jobs)
    return { jobs, duplicates: duplicates.size }
  })
}

/** An envelope that is replayed was quarantined. One that is not any more was removed meanwhile, and has come again. */
function replayedIds(batches: readonly RoutedBatch[]): readonly string[] {
  const replays = batches.filter(({ isReplay }) => isReplay)
  const ids = replays.flatMap(({ events, refused }) => [
    ...events.map(({ event }) => event.id),
    ...refused.map(({ id }) => id),
  ])
  return [...new Set(ids)]
}

const noIds: ReadonlySet<string> = new Set()

/** The handlers of recorded events that a router of a version without an outbox left, and may not have handed out. */
async function adoptEvents(
  tx: Transaction<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: string; handlers: string[] }>`
    UPDATE events SET in_outbox = true WHERE id = ANY(${ids}::uuid[]) AND NOT in_outbox
    RETURNING id, handlers`.execute(tx)
  return new Map(rows.map(({ id, handlers }) => [id, handlers]))
}

function toReceipts(batches: readonly RoutedBatch[]): readonly Receipt[] {
  return batches
    .filter((batch) => !batch.isReplay)
    .map(({ id, events, refused }) => ({ jobId: id, envelopes: events.length + refused.length }))
}
