import { sql, type RawBuilder, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'

/**
 * All totals with the changes not folded into them yet: rows of `name`, `key`, `bucket` and `amount`, to be summed.
 * Triggers write them in the transaction that changes the counted rows; see the migration `007-totals`.
 */
export const totals: RawBuilder<unknown> = sql`
  (SELECT name, key, bucket, amount FROM totals UNION ALL SELECT name, key, bucket, amount FROM total_changes)`

/** How long totals are kept by time bucket: slightly longer than the longest time span that is queried. */
const keptApart = sql`CASE name WHEN 'events' THEN interval '25 hours' ELSE interval '32 days' END`

/**
 * Moves changes to their totals, and merges buckets that are no longer queried into one. Concurrent readers see a
 * consistent state. If another caller is folding, the call does nothing.
 */
export async function foldTotals(db: Database): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (!(await isOnlyFolder(tx))) return
    await sql`
      WITH changes AS (DELETE FROM total_changes RETURNING name, key, bucket, amount)
      INSERT INTO totals SELECT name, key, bucket, sum(amount) FROM changes GROUP BY name, key, bucket
      ON CONFLICT (name, key, bucket) DO UPDATE SET amount = totals.amount + excluded.amount`.execute(tx)
    await sql`
      WITH old AS (
        DELETE FROM totals WHERE bucket > '-infinity' AND bucket < now() - ${keptApart} RETURNING name, key, amount
      )
      INSERT INTO totals SELECT name, key, '-infinity', sum(amount) FROM old GROUP BY name, key
      ON CONFLICT (name, key, bucket) DO UPDATE SET amount = totals.amount + excluded.amount`.execute(tx)
    await sql`DELETE FROM totals WHERE amount = 0`.execute(tx)
    await sql`
      DELETE FROM legacy_events l WHERE NOT EXISTS (
        SELECT FROM events e WHERE e.id = l.id AND NOT e.in_outbox AND e.duplicate_of IS NULL AND cardinality(e.handlers) > (
          SELECT count(*) FROM deliveries d WHERE d.event_id = e.id AND d.status = 'done'))`.execute(tx)
  })
}

/** An arbitrary key for an advisory lock, used nowhere else. */
const foldLock = 7_311_002

async function isOnlyFolder(tx: Transaction<Tables>): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(${sql.lit(foldLock)}) AS free`.execute(tx)
  return rows[0]?.free === true
}
