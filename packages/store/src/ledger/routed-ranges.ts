import type { IntakeRange } from '@warmhook/schema/intake-range'
import { sql, type Transaction } from 'kysely'
import type { Database, Queryable, Tables } from '../database.ts'

/** A range of routed envelopes, with the times at which the first and the last were routed. */
export interface RoutedRange extends IntakeRange {
  readonly routedFrom: Date
  readonly routedUntil: Date
}

/** All routed envelopes, merged into as few ranges as possible, in ascending order within each epoch. */
export async function readRoutedRanges(db: Queryable): Promise<readonly RoutedRange[]> {
  const { rows } = await sql<Readonly<Record<'first' | 'last', string>> & Omit<RoutedRange, 'first' | 'last'>>`
    WITH taken AS (SELECT epoch, first, last, routed_from, routed_until FROM intake_ranges), ${islands}
    SELECT epoch, first, last, routed_from AS "routedFrom", routed_until AS "routedUntil" FROM islands
    ORDER BY epoch, first`.execute(db)
  return rows.map((row) => ({ ...row, first: Number(row.first), last: Number(row.last) }))
}

/**
 * Merges adjacent ranges into one row, so that the table grows with the number of gaps and ingress processes, not with
 * the number of events. If another caller is merging, the call does nothing.
 */
export async function mergeRoutedRanges(db: Database): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (!(await isOnlyMerger(tx))) return
    await sql`
      WITH taken AS (
        DELETE FROM intake_ranges WHERE epoch IN (SELECT epoch FROM intake_ranges WHERE NOT is_merged)
        RETURNING epoch, first, last, routed_from, routed_until
      ), ${islands}
      INSERT INTO intake_ranges (epoch, first, last, routed_from, routed_until, is_merged)
      SELECT epoch, first, last, routed_from, routed_until, true FROM islands
      ON CONFLICT (epoch, first, last) DO UPDATE SET is_merged = true,
        routed_from = least(intake_ranges.routed_from, excluded.routed_from),
        routed_until = greatest(intake_ranges.routed_until, excluded.routed_until)`.execute(tx)
  })
}

/** Adjacent or overlapping ranges form an island. A range starts a new one if it begins after the end of all others. */
const islands = sql`
  steps AS (
    SELECT *, first > 1 + max(last) OVER (
        PARTITION BY epoch ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_apart
    FROM taken
  ), numbered AS (
    SELECT *, count(*) FILTER (WHERE is_apart) OVER (PARTITION BY epoch ORDER BY first, last) AS island FROM steps
  ), islands AS (
    SELECT epoch, min(first) AS first, max(last) AS last, min(routed_from) AS routed_from, max(routed_until) AS routed_until
    FROM numbered GROUP BY epoch, island
  )`

/** An arbitrary key for an advisory lock, used nowhere else. */
const mergeLock = 7_311_001

async function isOnlyMerger(tx: Transaction<Tables>): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(${sql.lit(mergeLock)}) AS free`.execute(tx)
  return rows[0]?.free === true
}
