import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { sql, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { lockNames } from '../lock-mailboxes.ts'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { classifyEvents } from './classify-events.ts'
import { recordQuarantine, type RefusedEnvelope } from '../quarantine/record-quarantine.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** An event as the router hands it over. */
export interface RoutedEvent {
  readonly event: MailboxEvent
  readonly raw: Buffer
  /** Hex. */
  readonly payloadHash: string
  readonly deliveryId: string | undefined
  /** Names of the handlers that will be given the event, unless it is a duplicate. */
  readonly handlers: readonly string[]
}

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
  const events = batches.flatMap((batch) => batch.events)
  const refused = batches.flatMap((batch) => batch.refused)
  return db.transaction().execute(async (tx) => {
    await lockNames(tx, 'routing', lockNamesOf(events))
    await recordReceipts(tx, batches)
    if (refused.length > 0) await recordQuarantine(tx, refused)
    if (events.length === 0) return { forHandlers: [], duplicates: 0 }
    await insertEvents(tx, events)
    await leaveQuarantine(tx, batches)
    const ids = events.map(({ event }) => event.id)
    const verdict = await classifyEvents(tx, ids, dedupeWindowMs)
    const kept = events.filter(({ event }) => !verdict.duplicates.has(event.id)).map(({ event }) => event)
    return { forHandlers: [...kept, ...verdict.revived], duplicates: verdict.duplicates.size }
  })
}

function lockNamesOf(events: readonly RoutedEvent[]): string[] {
  return events.flatMap(({ event, deliveryId }) => {
    const mailbox = mailboxKeyOf(event)
    return deliveryId === undefined ? [mailbox] : [mailbox, `delivery:${event.owner}:${deliveryId}`]
  })
}

async function recordReceipts(tx: Transaction<Tables>, batches: readonly RoutedBatch[]): Promise<void> {
  const receipts = batches.filter((batch) => !batch.isReplay)
  if (receipts.length === 0) return
  const ids = receipts.map(({ id }) => id)
  const envelopes = receipts.map(({ events, refused }) => events.length + refused.length)
  await sql`
    INSERT INTO intake_batches (id, envelopes) SELECT * FROM unnest(${ids}::uuid[], ${envelopes}::int[])
    ON CONFLICT DO NOTHING`.execute(tx)
}

async function insertEvents(tx: Transaction<Tables>, events: readonly RoutedEvent[]): Promise<void> {
  const rows = events.map(({ event, raw, payloadHash, deliveryId, handlers }) => ({
    id: event.id,
    owner: event.owner,
    source: event.source,
    campaign_id: event.campaignId,
    type: event.type,
    email: event.profile.email,
    received_ms: event.receivedAt,
    event,
    raw: raw.toString('base64'),
    payload_hash: payloadHash,
    delivery_id: deliveryId,
    handlers,
  }))
  // One JSON parameter keeps the statement the same for every batch size, so it is planned once.
  await sql`
    INSERT INTO events (id, owner, source, campaign_id, type, email, received_at, event, raw, payload_hash, delivery_id, handlers)
    SELECT id, owner, source, campaign_id, type, email, to_timestamp(received_ms / 1000.0), event,
      decode(raw, 'base64'), decode(payload_hash, 'hex'), delivery_id, handlers
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      id uuid, owner text, source text, campaign_id bigint, type text, email text, received_ms bigint, event json,
      raw text, payload_hash text, delivery_id text, handlers text[])
    ON CONFLICT (id) DO NOTHING`.execute(tx)
}

async function leaveQuarantine(tx: Transaction<Tables>, batches: readonly RoutedBatch[]): Promise<void> {
  const ids = batches.flatMap(({ isReplay, events }) => (isReplay ? events.map(({ event }) => event.id) : []))
  if (ids.length > 0) await sql`DELETE FROM quarantine WHERE id = ANY(${ids}::uuid[])`.execute(tx)
}
