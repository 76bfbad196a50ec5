import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** What retention has done so far. */
export interface RetentionState {
  /** `RETENTION_DAYS` of the last run; null before the first one. */
  readonly keptDays: number | null
  /** Seconds since the last run; null before the first one. */
  readonly ranSecondsAgo: number | null
  /** Events removed since the installation. */
  readonly removedEvents: number
  /** When the oldest remaining event was received; null if there is none. */
  readonly oldestEventAt: Date | null
}

/** Records a completed run. */
export async function noteRetention(db: Queryable, keptDays: number): Promise<void> {
  await sql`UPDATE retention SET kept_days = ${keptDays}::int, ran_at = now() WHERE id = 1`.execute(db)
}

/** Adds events that are removed in the same transaction to the count. */
export async function countRemovedEvents(tx: Queryable, events: number): Promise<void> {
  if (events === 0) return
  await sql`UPDATE retention SET removed_events = removed_events + ${events}::bigint WHERE id = 1`.execute(tx)
}

/** Reads one row and the first entry of an index. */
export async function readRetentionState(db: Queryable): Promise<RetentionState> {
  const { rows } = await sql<{
    kept_days: number | null
    ago: string | null
    removed_events: string
    oldest: Date | null
  }>`
    SELECT kept_days, extract(epoch FROM now() - ran_at) AS ago, removed_events,
      (SELECT received_at FROM events ORDER BY id LIMIT 1) AS oldest
    FROM retention`.execute(db)
  const [row] = rows
  return {
    keptDays: row?.kept_days ?? null,
    ranSecondsAgo: row?.ago === null || row?.ago === undefined ? null : Number(row.ago),
    removedEvents: Number(row?.removed_events ?? 0),
    oldestEventAt: row?.oldest ?? null,
  }
}
