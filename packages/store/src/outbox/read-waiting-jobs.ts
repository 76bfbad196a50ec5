import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** A handler's jobs that wait in the outbox for room in Redis. */
export interface WaitingJobs {
  readonly count: number
  /** Of the oldest job, in ms since the epoch. */
  readonly since: number
}

/** By handler; one without waiting jobs has no entry. Reads only what waits, through a partial index. */
export async function readWaitingJobs(db: Queryable): Promise<ReadonlyMap<string, WaitingJobs>> {
  const { rows } = await sql<{ handler: string; count: string; since: Date }>`
    SELECT handler, count(*) AS count, min(created_at) AS since FROM outbox WHERE NOT is_queued GROUP BY handler`.execute(
    db,
  )
  return new Map(rows.map(({ handler, count, since }) => [handler, { count: Number(count), since: since.getTime() }]))
}
