import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** What has become of every routed envelope. Each envelope is counted once. */
export interface StoreLedger {
  /** Routed envelopes of versions that did not number them. */
  readonly routedUnnumbered: number
  readonly processed: number
  readonly duplicate: number
  readonly quarantined: number
  readonly dead: number
  /** Routed events that some handler has not finished. */
  readonly inFlight: number
}

/** Counts rows, not events as they happen: a crash can't skew it. */
export async function readLedger(db: Queryable): Promise<StoreLedger> {
  const { rows } = await sql<Record<keyof StoreLedger, string>>`
    WITH outcomes AS (
      SELECT event_id, count(*) FILTER (WHERE status = 'done') AS done, bool_or(status = 'dead') AS dead
      FROM deliveries GROUP BY event_id
    ), states AS (
      SELECT CASE
          WHEN e.duplicate_of IS NOT NULL THEN 'duplicate'
          WHEN o.dead THEN 'dead'
          WHEN coalesce(o.done, 0) >= cardinality(e.handlers) THEN 'processed'
          ELSE 'in flight' END AS state
      FROM events e LEFT JOIN outcomes o ON o.event_id = e.id
    )
    SELECT
      (SELECT coalesce(sum(envelopes), 0) FROM intake_batches) AS "routedUnnumbered",
      count(*) FILTER (WHERE state = 'processed') AS processed,
      count(*) FILTER (WHERE state = 'duplicate') AS duplicate,
      (SELECT count(*) FROM quarantine) AS quarantined,
      count(*) FILTER (WHERE state = 'dead') AS dead,
      count(*) FILTER (WHERE state = 'in flight') AS "inFlight"
    FROM states`.execute(db)
  const [row] = rows
  if (row === undefined) throw new RangeError('an aggregate always gives a row')
  return {
    routedUnnumbered: Number(row.routedUnnumbered),
    processed: Number(row.processed),
    duplicate: Number(row.duplicate),
    quarantined: Number(row.quarantined),
    dead: Number(row.dead),
    inFlight: Number(row.inFlight),
  }
}
