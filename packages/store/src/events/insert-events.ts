import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { sql, type Transaction } from 'kysely'
import type { Tables } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** An event as passed on by the router. */
export interface RoutedEvent {
  readonly event: MailboxEvent
  /** Parts of the payload that do not match the documented format. */
  readonly warnings?: readonly string[]
  readonly raw: Buffer
  /** The content encoding of `raw`. */
  readonly contentEncoding?: string | undefined
  /** Hex. */
  readonly payloadHash: string
  readonly deliveryId: string | undefined
  /** Names of the handlers that will receive the event, unless it is a duplicate. */
  readonly handlers: readonly string[]
}

/** Inserts the events and returns the ids of the new ones. Existing events are left unchanged. */
export async function insertEvents(
  tx: Transaction<Tables>,
  events: readonly RoutedEvent[],
): Promise<ReadonlySet<string>> {
  const rows = events.map(({ event, warnings = [], raw, contentEncoding, payloadHash, deliveryId, handlers }) => ({
    id: event.id,
    owner: event.owner,
    source: event.source,
    campaign_id: event.campaignId,
    type: event.type,
    email: event.profile.email,
    received_ms: event.receivedAt,
    event,
    raw: raw.toString('base64'),
    content_encoding: contentEncoding,
    warnings: warnings.length === 0 ? undefined : warnings,
    payload_hash: payloadHash,
    delivery_id: deliveryId,
    handlers,
  }))
  // With one JSON parameter the statement is the same for every batch size, so it is planned once.
  const { rows: added } = await sql<{ id: string }>`
    INSERT INTO events (id, owner, source, campaign_id, type, email, received_at, event, raw, content_encoding,
      warnings, payload_hash, delivery_id, handlers, in_outbox)
    SELECT id, owner, source, campaign_id, type, email, to_timestamp(received_ms / 1000), event,
      decode(raw, 'base64'), content_encoding, warnings, decode(payload_hash, 'hex'), delivery_id, handlers, true
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      id uuid, owner text, source text, campaign_id bigint, type text, email text, received_ms float8, event json,
      raw text, content_encoding text, warnings text[], payload_hash text, delivery_id text, handlers text[])
    ON CONFLICT (id) DO NOTHING RETURNING id`.execute(tx)
  return new Set(added.map(({ id }) => id))
}
