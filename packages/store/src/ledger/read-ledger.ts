import { sql, type RawBuilder } from 'kysely'
import type { Queryable } from '../database.ts'
import { removedTotal, type RemovedState } from './removed.ts'
import { totals } from './totals.ts'

/** The state of all routed envelopes. Each envelope is counted once. */
export interface StoreLedger {
  /** Routed envelopes from versions that did not number them. */
  readonly routedUnnumbered: number
  readonly processed: number
  readonly duplicate: number
  readonly quarantined: number
  readonly dead: number
  /** Routed events that at least one handler has not finished. */
  readonly inFlight: number
}

/**
 * The distinct ids of all events that a handler may not have finished: they have an outbox row or a failing delivery,
 * or were recorded by a router without an outbox.
 */
export const openEvents: RawBuilder<unknown> = sql`(
  SELECT unnest(event_ids) FROM outbox
  UNION SELECT event_id FROM deliveries WHERE status = 'failing'
  UNION SELECT id FROM legacy_events)`

/**
 * Reads the overall counts from totals, and scans only open and dead events, by index: any other event is processed or
 * a duplicate. Rows removed by retention are still counted.
 */
export async function readLedger(db: Queryable): Promise<StoreLedger> {
  const { rows } = await sql<Record<keyof StoreLedger, string>>`
    WITH sums AS (
      SELECT
        coalesce(sum(amount) FILTER (WHERE name = 'events'), 0) AS events,
        coalesce(sum(amount) FILTER (WHERE name = 'duplicates'), 0) AS duplicate,
        coalesce(sum(amount) FILTER (WHERE name = 'quarantine'), 0) AS quarantined,
        coalesce(sum(amount) FILTER (WHERE name = 'intake batches'), 0) AS unnumbered,
        ${removed('processed')} AS removed_processed, ${removed('duplicate')} AS removed_duplicate,
        ${removed('quarantined')} AS removed_quarantined, ${removed('dead')} AS removed_dead,
        ${removed('unnumbered')} AS removed_unnumbered
      FROM ${totals} AS total
    ), dead AS MATERIALIZED (
      SELECT DISTINCT d.event_id AS id FROM deliveries d JOIN events e ON e.id = d.event_id
      WHERE d.status = 'dead' AND e.duplicate_of IS NULL
    ), open AS MATERIALIZED (
      SELECT id FROM ${openEvents} AS open (id)
    ), in_flight AS (
      SELECT count(*) AS count FROM open JOIN events e ON e.id = open.id
      WHERE e.duplicate_of IS NULL AND e.id NOT IN (SELECT id FROM dead) AND cardinality(e.handlers) > (
        SELECT count(*) FROM deliveries d WHERE d.event_id = e.id AND d.status = 'done')
    ), dead_count AS (SELECT count(*) AS count FROM dead)
    SELECT unnumbered + removed_unnumbered AS "routedUnnumbered",
      events - duplicate - dead_count.count - in_flight.count + removed_processed AS processed,
      duplicate + removed_duplicate AS duplicate, quarantined + removed_quarantined AS quarantined,
      dead_count.count + removed_dead AS dead, in_flight.count AS "inFlight"
    FROM sums, dead_count, in_flight`.execute(db)
  const [row] = rows
  if (row === undefined) throw new RangeError('an aggregate always returns a row')
  return {
    routedUnnumbered: Number(row.routedUnnumbered),
    processed: Number(row.processed),
    duplicate: Number(row.duplicate),
    quarantined: Number(row.quarantined),
    dead: Number(row.dead),
    inFlight: Number(row.inFlight),
  }
}

function removed(state: RemovedState): RawBuilder<unknown> {
  return sql`coalesce(sum(amount) FILTER (WHERE name = ${sql.lit(removedTotal)} AND key = ${sql.lit(state)}), 0)`
}
