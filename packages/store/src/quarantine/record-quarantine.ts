import type { PayloadIssue } from '@warmhook/schema/source'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** An envelope that could not be parsed as an event. */
export interface RefusedEnvelope {
  readonly id: string
  readonly owner: string
  readonly source: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly issue: string
  readonly issues: readonly PayloadIssue[]
  readonly raw: Buffer
  /** The content encoding of `raw`. */
  readonly contentEncoding?: string | undefined
  readonly deliveryId: string | undefined
}

/**
 * Stores envelopes that could not be parsed, and returns the ids of the new ones. Repeating the call updates the issues
 * and adds nothing. Envelopes that are recorded as events are left out.
 */
export async function recordQuarantine(
  tx: Queryable,
  refused: readonly RefusedEnvelope[],
): Promise<ReadonlySet<string>> {
  const rows = lastById(refused).map((envelope) => ({
    id: envelope.id,
    owner: envelope.owner,
    source: envelope.source,
    received_ms: envelope.receivedAt,
    issue: envelope.issue,
    issues: envelope.issues,
    raw: envelope.raw.toString('base64'),
    content_encoding: envelope.contentEncoding,
    delivery_id: envelope.deliveryId,
  }))
  const added = await sql<{ id: string }>`
    WITH known AS (SELECT id FROM quarantine WHERE id = ANY(${rows.map(({ id }) => id)}::uuid[])), kept AS (
    INSERT INTO quarantine (id, owner, source, received_at, issue, issues, raw, content_encoding, delivery_id)
    SELECT id, owner, source, to_timestamp(received_ms / 1000), issue, issues, decode(raw, 'base64'),
      content_encoding, delivery_id
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      id uuid, owner text, source text, received_ms float8, issue text, issues json, raw text,
      content_encoding text, delivery_id text)
    WHERE NOT EXISTS (SELECT FROM events WHERE events.id = row.id)
    ON CONFLICT (id) DO UPDATE SET issue = excluded.issue, issues = excluded.issues
    RETURNING id)
    SELECT id FROM kept EXCEPT SELECT id FROM known`.execute(tx)
  return new Set(added.rows.map(({ id }) => id))
}

/** Deletes the envelopes that are now recorded as events, and returns their ids. */
export async function leaveQuarantine(tx: Queryable, eventIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    DELETE FROM quarantine WHERE id = ANY(${[...eventIds]}::uuid[]) RETURNING id`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}

/** A group can contain a job twice; Postgres rejects a statement that would update a row twice (SQLSTATE 21000). */
function lastById(refused: readonly RefusedEnvelope[]): readonly RefusedEnvelope[] {
  return [...new Map(refused.map((envelope) => [envelope.id, envelope])).values()]
}
