import { sql, type RawBuilder } from 'kysely'
import type { Queryable } from '../database.ts'

/** The peer account to be called, and how. */
export interface PeerEntry {
  /** Identifies the account. Must not contain its credentials, only a digest of them. */
  readonly key: string
  /** The kind of peer, for messages: `hubspot`, `slack`. */
  readonly peer: string
  /** `together`: workers call concurrently while the gate is open. `in turn`: one call at a time. */
  readonly calls: 'together' | 'in turn'
  /** Used for a call in turn, and for the first call after the gate was closed. */
  readonly turnId: string
  /** Longer than a call can take. If a worker dies, the next one may call after this time. */
  readonly turnMs: number
}

export type PeerEntryResult =
  | { readonly status: 'open' }
  /** Only the caller may call. It reports the result with `openPeerGate`, `closePeerGate` or `endPeerTurn`. */
  | { readonly status: 'turn' }
  /** No worker may call yet. */
  | { readonly status: 'closed'; readonly waitMs: number; readonly reason: string | null }
  /** Another worker has the turn. `reason` is why the gate was closed before, if it was. */
  | { readonly status: 'taken'; readonly reason: string | null }

/**
 * Asks whether a peer account may be called now. Runs one statement, which writes nothing while the gate is open to
 * all. When the wait of a closed gate is over, one caller gets the turn to try, and the others wait for its result.
 */
export async function enterPeerGate(db: Queryable, entry: PeerEntry): Promise<PeerEntryResult> {
  const { rows } = await sql<{ reason: string | null; wait_ms: number | null; is_open: boolean; has_turn: boolean }>`
    WITH gate AS (SELECT * FROM peer_gates WHERE key = ${entry.key}), turn AS (${takeTurn(entry)})
    SELECT gate.reason, gate.closed_until IS NULL AS is_open, turn.key IS NOT NULL AS has_turn,
      ceil(date_part('epoch', gate.closed_until - now()) * 1000)::float8 AS wait_ms
    FROM (SELECT) AS one LEFT JOIN gate ON true LEFT JOIN turn ON true`.execute(db)
  const [row] = rows
  if (row?.has_turn === true) return { status: 'turn' }
  if (row === undefined || (entry.calls === 'together' && row.is_open)) return { status: 'open' }
  const { reason, wait_ms: waitMs } = row
  return waitMs !== null && waitMs > 0 ? { status: 'closed', waitMs, reason } : { status: 'taken', reason }
}

function takeTurn({ key, peer, calls, turnId, turnMs }: PeerEntry): RawBuilder<unknown> {
  const until = sql`now() + ${turnMs} * interval '1 millisecond'`
  if (calls === 'together')
    return sql`
      UPDATE peer_gates SET turn_id = ${turnId}::uuid, turn_until = ${until}
      WHERE key = ${key} AND closed_until <= now() AND (turn_id IS NULL OR turn_until < now())
      RETURNING key`
  return sql`
    INSERT INTO peer_gates AS g (key, peer, turn_id, turn_until) VALUES (${key}, ${peer}, ${turnId}::uuid, ${until})
    ON CONFLICT (key) DO UPDATE SET turn_id = excluded.turn_id, turn_until = excluded.turn_until
    WHERE (g.closed_until IS NULL OR g.closed_until <= now()) AND (g.turn_id IS NULL OR g.turn_until < now())
    RETURNING key`
}
