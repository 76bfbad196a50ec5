import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { PeerCause } from './leave-peer-gate.ts'
import { isRefusing } from './list-refusing-peers.ts'

/** Why an account refuses calls. */
export interface ClosedGate {
  readonly cause: PeerCause
  readonly reason: string
  /** ISO 8601. */
  readonly since: string
}

/** Those of the accounts that refuse calls at present, by key. */
export async function readClosedGates(
  db: Queryable,
  keys: readonly string[],
): Promise<ReadonlyMap<string, ClosedGate>> {
  const { rows } = await sql<{ key: string; cause: string; reason: string; since: Date }>`
    SELECT key, cause, reason, since FROM peer_gates
    WHERE key = ANY(${[...keys]}::text[]) AND ${isRefusing}`.execute(db)
  return new Map(
    rows.map(({ key, cause, reason, since }) => [
      key,
      { cause: causes.get(cause) ?? 'misconfigured', reason, since: since.toISOString() },
    ]),
  )
}

/** Workers of earlier versions write other names. */
const causes: ReadonlyMap<string, PeerCause> = new Map([
  ['limited', 'limited'],
  ['unauthorised', 'unauthorised'],
  ['misconfigured', 'misconfigured'],
  ['down', 'down'],
  ['unreachable', 'down'],
])

/** Lets one call try at once whether an account still refuses. */
export async function reopenPeerGate(db: Queryable, key: string): Promise<void> {
  await sql`UPDATE peer_gates SET closed_until = now() WHERE key = ${key} AND cause IS NOT NULL`.execute(db)
}
