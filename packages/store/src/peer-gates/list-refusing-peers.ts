import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** An account that takes nothing now. */
export interface RefusingPeer {
  /** The kind of peer: `hubspot`, `slack`. */
  readonly peer: string
  readonly cause: string
  /** With what to do about it. */
  readonly reason: string
  readonly refusals: number
  readonly sinceMs: number
}

/** The accounts whose gates are closed for a cause; those that nobody has called for an hour are left out. */
export async function listRefusingPeers(db: Queryable): Promise<readonly RefusingPeer[]> {
  const { rows } = await sql<RefusingPeer>`
    SELECT peer, cause, reason, refusals, round(date_part('epoch', now() - since) * 1000)::float8 AS "sinceMs"
    FROM peer_gates WHERE cause IS NOT NULL AND closed_until > now() - interval '1 hour'
    ORDER BY since`.execute(db)
  return rows
}
