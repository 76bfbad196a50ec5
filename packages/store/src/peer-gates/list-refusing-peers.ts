import { sql, type RawBuilder } from 'kysely'
import type { Queryable } from '../database.ts'

/** An account that currently refuses calls. */
export interface RefusingPeer {
  /** The kind of peer: `hubspot`, `slack`. */
  readonly peer: string
  readonly cause: string
  /** Includes what to do about it. */
  readonly reason: string
  readonly refusals: number
  readonly sinceMs: number
}

/** The account's gate is closed for a cause, and a worker has called within the last hour. */
export const isRefusing: RawBuilder<boolean> = sql`(cause IS NOT NULL AND closed_until > now() - interval '1 hour')`

/** Lists the accounts that refuse calls, the longest first. */
export async function listRefusingPeers(db: Queryable): Promise<readonly RefusingPeer[]> {
  const { rows } = await sql<RefusingPeer>`
    SELECT peer, cause, reason, refusals, round(date_part('epoch', now() - since) * 1000)::float8 AS "sinceMs"
    FROM peer_gates WHERE ${isRefusing} ORDER BY since`.execute(db)
  return rows
}
