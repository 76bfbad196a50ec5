import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'
import type { OutboxJob } from './owed-event.ts'

/** Inserts jobs into the outbox. Existing jobs are left unchanged. */
export async function writeOutbox(tx: Queryable, jobs: readonly OutboxJob[]): Promise<void> {
  if (jobs.length === 0) return
  const rows = jobs.map(({ id, handler, events, replayId, isQueued }) => ({
    id,
    handler,
    event_ids: events.map((event) => event.id),
    replay_id: replayId,
    is_queued: isQueued,
  }))
  await sql`
    INSERT INTO outbox (id, handler, event_ids, replay_id, is_queued)
    SELECT id, handler, event_ids, replay_id, is_queued FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      id text, handler text, event_ids uuid[], replay_id uuid, is_queued boolean)
    ON CONFLICT (id) DO NOTHING`.execute(tx)
}
