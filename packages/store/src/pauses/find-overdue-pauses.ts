import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** What a recheck depends on. Times are milliseconds since the epoch. */
export interface OverduePauses {
  /** Open pauses of the owner that began before the given time. */
  readonly count: number
  /** When the owner's latest run with a recheck ended; null if there was none. */
  readonly recheckedAt: number | null
}

/** Counts the owner's pauses that have been open since before `before`, in ms since the epoch. */
export async function findOverduePauses(db: Queryable, owner: string, before: number): Promise<OverduePauses> {
  const { rows } = await sql<{ count: number; rechecked_at: number | null }>`
    SELECT
      (SELECT count(*)::int FROM pauses
        WHERE owner = ${owner} AND closed_by IS NULL AND opened_at < to_timestamp(${before}::bigint / 1000.0)) AS count,
      (SELECT date_part('epoch', max(touched_at)) * 1000 FROM reconciliations
        WHERE owner = ${owner} AND rechecked) AS rechecked_at`.execute(db)
  return { count: rows[0]?.count ?? 0, recheckedAt: rows[0]?.rechecked_at ?? null }
}
