import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Events that a handler has not brought to a good end. */
export interface Unfinished {
  /** Will be tried again. */
  readonly failing: number
  /** When the first attempt at the oldest of them began, in ms since the epoch. */
  readonly failingSince: number | undefined
  /** Will not be tried again by themselves. */
  readonly dead: number
}

/**
 * What is failing and what is dead, by handler; one that is not named has neither. Costs what is unfinished, not what ever
 * was. A duplicate owes nothing: it can be shown to be one after a handler had it.
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
