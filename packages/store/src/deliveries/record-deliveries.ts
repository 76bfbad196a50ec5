import { sql } from 'kysely'
import type { DeliveryStatus, Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** How one attempt at one event ended. */
export interface DeliveryRecord {
  readonly eventId: string
  readonly status: DeliveryStatus
  /** Why it failed, or a note on how it succeeded. */
  readonly note: string | undefined
  /** False if the event was only put on hold: no attempt is counted. */
  readonly isAttempt?: boolean
}

export interface Attempt {
  readonly handler: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly replayId: string | undefined
  readonly records: readonly DeliveryRecord[]
  /** Finished jobs; their outbox rows are deleted. */
  readonly settled?: readonly string[]
  /** Unfinished jobs; those of a version without an outbox get their outbox rows here. */
  readonly open?: readonly OpenJob[]
}

export interface OpenJob {
  readonly id: string
  readonly eventIds: readonly string[]
}

/**
 * Adds an attempt to the deliveries, and removes the jobs that it settles, in one statement. `done` is final: a late
 * failure from a second worker does not overwrite it.
 */
export async function recordDeliveries(db: Queryable, attempt: Attempt): Promise<void> {
  const { settled = [], open = [] } = attempt
  if (attempt.records.length + settled.length === 0) return
  // One row per event: Postgres rejects a statement that would update a row twice (SQLSTATE 21000).
  const records = new Map(attempt.records.map((record) => [record.eventId, record]))
  const rows = [...records.values()].map((record) => ({
    event_id: record.eventId,
    status: record.status,
    attempts: record.isAttempt === false ? 0 : 1,
    error: record.note?.slice(0, maxNoteLength),
  }))
  await sql`
    WITH settled AS (DELETE FROM outbox WHERE id = ANY(${[...settled]}::text[])), open AS (
      INSERT INTO outbox (id, handler, event_ids, replay_id, is_queued)
      SELECT id, ${attempt.handler}::text, event_ids, ${attempt.replayId ?? null}::uuid, true
      FROM json_to_recordset(${toJsonParameter(open.map(({ id, eventIds }) => ({ id, event_ids: eventIds })))}::json)
        AS job (id text, event_ids uuid[])
      ON CONFLICT (id) DO NOTHING
    )
    INSERT INTO deliveries AS d (event_id, handler, status, attempts, error, started_at, finished_at, replay_id)
    SELECT event_id, ${attempt.handler}::text, status, attempts, error,
      ${new Date(attempt.startedAt)}::timestamptz, ${new Date(attempt.finishedAt)}::timestamptz, ${attempt.replayId ?? null}::uuid
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (event_id uuid, status text, attempts int, error text)
    ON CONFLICT (event_id, handler) DO UPDATE SET
      status = excluded.status, attempts = d.attempts + excluded.attempts, error = excluded.error,
      finished_at = excluded.finished_at, replay_id = excluded.replay_id
    WHERE d.status <> 'done' OR excluded.replay_id IS NOT NULL`.execute(db)
}

// A vendor's message can be a whole page.
const maxNoteLength = 2_000
