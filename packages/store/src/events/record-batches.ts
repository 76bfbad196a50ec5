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

/** The parsed contents of one intake job. */
export interface RoutedBatch {
  /** The job id. */
  readonly id: string
  /** The envelopes of a replay were already counted when they first arrived. */
  readonly isReplay: boolean
  readonly events: readonly RoutedEvent[]
  readonly refused: readonly RefusedEnvelope[]
}

export interface RecordTerms {
  readonly dedupeWindowMs: number
  /** Splits the events for handlers into jobs. With `replayId`, handlers also process events they have finished. */
  readonly plan: (events: readonly OwedEvent[], replayId?: string) => readonly OutboxJob[]
}

export interface RecordedBatches {
  /** Written to the outbox: new events without duplicates, and earlier events whose verdict has changed. */
  readonly jobs: readonly OutboxJob[]
  readonly duplicates: number
}

/**
 * Records batches, classifies duplicates and writes the outbox, in one transaction. The call is idempotent, even after
 * a crash at any point and with the batches grouped differently: no event is recorded or owed twice.
 */
export async function recordBatches(
  db: Database,
  batches: readonly RoutedBatch[],
  { dedupeWindowMs, plan }: RecordTerms,
): Promise<RecordedBatches> {
  // A group can contain a job twice, in different forms: each event is handed out once.
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
    // After the events, so that an envelope recorded as an event is not quarantined as well.
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
    // Each change is a separate run, so that handlers that have finished the event are notified too.
    const jobs = [...plan(fresh), ...plan(again, randomUUID())]
    await writeOutbox(tx, jobs)
    return { jobs, duplicates: duplicates.size }
  })
}

/** The ids of replayed envelopes. They were quarantined; one that no longer is was removed and is now added again. */
function replayedIds(batches: readonly RoutedBatch[]): readonly string[] {
  const replays = batches.filter(({ isReplay }) => isReplay)
  const ids = replays.flatMap(({ events, refused }) => [
    ...events.map(({ event }) => event.id),
    ...refused.map(({ id }) => id),
  ])
  return [...new Set(ids)]
}

const noIds: ReadonlySet<string> = new Set()

/** Adopts events recorded by a router without an outbox, which may not have handed them out. Returns their handlers. */
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
