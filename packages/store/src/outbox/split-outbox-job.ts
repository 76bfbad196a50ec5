import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

export interface OutboxSplit {
  readonly id: string
  readonly handler: string
  readonly replayId: string | undefined
  readonly parts: readonly { readonly id: string; readonly eventId: string }[]
}

/** Replaces a job with one job for each of its events that is still owed. */
export async function splitOutboxJob(db: Database, { id, handler, replayId, parts }: OutboxSplit): Promise<void> {
  await sql`
    WITH whole AS (DELETE FROM outbox WHERE id = ${id})
    INSERT INTO outbox (id, handler, event_ids, replay_id, is_queued)
    SELECT part.id, ${handler}::text, ARRAY[part."eventId"], ${replayId ?? null}::uuid, true
    FROM json_to_recordset(${toJsonParameter(parts)}::json) AS part (id text, "eventId" uuid)
    WHERE NOT EXISTS (
      SELECT FROM deliveries d WHERE d.event_id = part."eventId" AND d.handler = ${handler}::text
        AND d.status IN ('done', 'dead') AND (${replayId ?? null}::uuid IS NULL OR d.replay_id = ${replayId ?? null}::uuid))
    ON CONFLICT (id) DO NOTHING`.execute(db)
}
