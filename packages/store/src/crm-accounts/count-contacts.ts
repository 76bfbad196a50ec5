import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Figures of an owner. */
export interface ContactCounts {
  /** Contacts that were written. */
  readonly synced: number
  /** Events that are dead in the handler. */
  readonly failed: number
  /** Events that the handler still owes. */
  readonly waiting: number
  /** Why the latest of the dead events failed. */
  readonly lastError: string | null
}

/** Counts by owner. Reads written contacts from an index, and otherwise only what is open. */
export async function countContacts(db: Queryable, handler: string): Promise<ReadonlyMap<string, ContactCounts>> {
  const { rows } = await sql<{
    owner: string
    synced: string
    failed: string
    waiting: string
    last_error: string | null
  }>`
    WITH synced AS (
      SELECT owner, count(*) AS synced FROM crm_sync WHERE synced_at IS NOT NULL AND owner IS NOT NULL GROUP BY owner
    ), failed AS (
      SELECT e.owner, count(*) AS failed, (array_agg(d.error ORDER BY d.event_id DESC))[1] AS last_error
      FROM deliveries d JOIN events e ON e.id = d.event_id
      WHERE d.handler = ${handler} AND d.status = 'dead' GROUP BY e.owner
    ), waiting AS (
      SELECT e.owner, count(DISTINCT e.id) AS waiting
      FROM outbox o CROSS JOIN LATERAL unnest(o.event_ids) AS owed (id) JOIN events e ON e.id = owed.id
      WHERE o.handler = ${handler} GROUP BY e.owner
    )
    SELECT owner, coalesce(synced, 0) AS synced, coalesce(failed, 0) AS failed, coalesce(waiting, 0) AS waiting, last_error
    FROM synced FULL JOIN failed USING (owner) FULL JOIN waiting USING (owner)`.execute(db)
  return new Map(
    rows.map(({ owner, synced, failed, waiting, last_error: lastError }) => [
      owner,
      { synced: Number(synced), failed: Number(failed), waiting: Number(waiting), lastError },
    ]),
  )
}
