import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { PeerEntry } from './enter-peer-gate.ts'

/**
 * `limited`: a rate limit. `unauthorised`: the credentials or their rights. `misconfigured`: another fault of the
 * account or its settings. `down`: unreachable, or failing again and again.
 */
export type PeerCause = 'limited' | 'unauthorised' | 'misconfigured' | 'down'

/** Why nothing is sent to a peer's account, and for how long. */
export interface PeerRefusal {
  readonly cause: PeerCause
  readonly reason: string
  readonly waitMs: number
  /** Waits grow up to this while the cause lasts. */
  readonly maxWaitMs: number
}

/** For this long after a rate limit, calls in turn keep the interval that the peer asked for. */
const pacedMs = 60_000
const maxPaceMs = 5_000

/** Closes the gate to all workers. Returns the number of refusals in a row for this cause: 1 means that it is new. */
export async function closePeerGate(
  db: Queryable,
  { key, peer, calls }: Pick<PeerEntry, 'key' | 'peer' | 'calls'>,
  turnId: string,
  { cause, reason, waitMs, maxWaitMs }: PeerRefusal,
): Promise<number> {
  const paceMs = cause === 'limited' && calls === 'in turn' ? Math.min(waitMs, maxPaceMs) : null
  // Also deletes gates of accounts that are no longer called because their credentials were replaced.
  const { rows } = await sql<{ refusals: number }>`
    WITH forgotten AS (DELETE FROM peer_gates WHERE key <> ${key} AND closed_until < now() - interval '7 days')
    INSERT INTO peer_gates AS g (key, peer, cause, reason, since, refusals, closed_until, pace_ms, paced_until)
    VALUES (${key}, ${peer}, ${cause}, ${reason}, now(), 1, now() + ${waitMs} * interval '1 millisecond', ${paceMs}::integer,
      CASE WHEN ${paceMs}::integer IS NOT NULL THEN now() + ${pacedMs} * interval '1 millisecond' END)
    ON CONFLICT (key) DO UPDATE SET
      cause = excluded.cause, reason = excluded.reason,
      since = CASE WHEN g.cause = excluded.cause THEN g.since ELSE now() END,
      refusals = CASE WHEN g.cause = excluded.cause THEN g.refusals + 1 ELSE 1 END,
      closed_until = greatest(g.closed_until, excluded.closed_until, now() + least(
        CASE WHEN g.cause = excluded.cause THEN now() - g.since ELSE interval '0' END, ${maxWaitMs} * interval '1 millisecond')),
      pace_ms = coalesce(excluded.pace_ms, g.pace_ms), paced_until = coalesce(excluded.paced_until, g.paced_until),
      turn_id = CASE WHEN g.turn_id <> ${turnId}::uuid THEN g.turn_id END
    RETURNING refusals`.execute(db)
  return rows[0]?.refusals ?? 1
}

/** The refusals that had closed a gate, and for how long. */
export interface PastRefusals {
  readonly refusals: number
  readonly closedForMs: number
}

/** Opens the gate after a successful turn. Returns undefined if it was open already or another worker has the turn. */
export async function openPeerGate(db: Queryable, key: string, turnId: string): Promise<PastRefusals | undefined> {
  const { rows } = await sql<PastRefusals>`
    WITH gate AS (SELECT * FROM peer_gates WHERE key = ${key}), opened AS (
      UPDATE peer_gates SET turn_id = NULL, cause = NULL, reason = NULL, since = NULL, refusals = 0,
        closed_until = CASE WHEN paced_until > now() THEN now() + pace_ms * interval '1 millisecond' END
      WHERE key = ${key} AND turn_id = ${turnId}::uuid
      RETURNING key
    )
    SELECT gate.refusals, round(date_part('epoch', now() - gate.since) * 1000)::float8 AS "closedForMs"
    FROM gate JOIN opened ON true WHERE gate.cause IS NOT NULL`.execute(db)
  return rows[0]
}

/** Ends a turn without a conclusive result: the next caller tries. */
export async function endPeerTurn(db: Queryable, key: string, turnId: string): Promise<void> {
  await sql`UPDATE peer_gates SET turn_id = NULL WHERE key = ${key} AND turn_id = ${turnId}::uuid`.execute(db)
}
