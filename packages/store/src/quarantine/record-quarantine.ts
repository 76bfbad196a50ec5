import type { PayloadIssue } from '@warmhook/schema/source'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** An envelope that could not be read as an event. */
export interface RefusedEnvelope {
  readonly id: string
  readonly owner: string
  readonly source: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly issue: string
  readonly issues: readonly PayloadIssue[]
  readonly raw: Buffer
  readonly deliveryId: string | undefined
}

/** Keeps envelopes that could not be read. Repeating the call renews the reasons and adds nothing. */
export async function recordQuarantine(tx: Queryable, refused: readonly RefusedEnvelope[]): Promise<void> {
  const rows = refused.map((envelope) => ({
    id: envelope.id,
    owner: envelope.owner,
    source: envelope.source,
    received_ms: envelope.receivedAt,
    issue: envelope.issue,
    issues: envelope.issues,
    raw: envelope.raw.toString('base64'),
    delivery_id: envelope.deliveryId,
  }))
  await sql`
    INSERT INTO quarantine (id, owner, source, received_at, issue, issues, raw, delivery_id)
    SELECT id, owner, source, to_timestamp(received_ms / 1000), issue, issues, decode(raw, 'base64'), delivery_id
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      id uuid, owner text, source text, received_ms float8, issue text, issues json, raw text, delivery_id text)
    ON CONFLICT (id) DO UPDATE SET issue = excluded.issue, issues = excluded.issues`.execute(tx)
}
