import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Events that a handler has not completed successfully. */
export interface Unfinished {
  /** Will be retried. */
  readonly failing: number
  /** Start of the first attempt at the oldest of them, in ms since the epoch. */
  readonly failingSince: number | undefined
  /** Will not be retried automatically. */
  readonly dead: number
}

/**
 * Failing and dead events by handler; handlers with neither are left out. The cost grows with the unfinished events,
 * not with all events. Duplicates do not count: an event can be found to be a duplicate after a handler has received
 * it.
 */
export async function readUnfinished(db: Queryable): Promise<ReadonlyMap<string, Unfinished>> {
  const { rows } = await sql<{ handler: string; failing: string; since: Date | null; dead: string }>`
    SELECT d.handler, count(*) FILTER (WHERE d.status = 'failing') AS failing,
      min(d.started_at) FILTER (WHERE d.status = 'failing') AS since, count(*) FILTER (WHERE d.status = 'dead') AS dead
    FROM deliveries d JOIN events e ON e.id = d.event_id
    WHERE d.status <> 'done' AND e.duplicate_of IS NULL GROUP BY d.handler`.execute(db)
  return new Map(
    rows.map(({ handler, failing, since, dead }) => [
      handler,
      { failing: Number(failing), failingSince: since?.getTime(), dead: Number(dead) },
    ]),
  )
}
