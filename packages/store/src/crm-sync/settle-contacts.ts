import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A leased contact to let go, and what has become of its write. */
export interface SettledContact {
  readonly email: string
  /** `in doubt`: the CRM may or may not have been changed, so the next write is not skipped. */
  readonly write: 'none' | 'in doubt' | WrittenContact
}

export interface WrittenContact {
  /** The latest event in what was written. */
  readonly eventId: string
  readonly hash: string
  readonly remoteId: string | null
}

/**
 * Records what was written and ends the leases. Returns the e-mails whose lease was still the caller's. For the rest,
 * another's write may have come before or after the caller's: those are left in doubt.
 */
export async function settleContacts(
  db: Queryable,
  provider: string,
  leaseId: string,
  contacts: readonly SettledContact[],
): Promise<readonly string[]> {
  const emails = contacts.map(({ email }) => email)
  const { rows } = await sql<{ email: string; own: boolean }>`
    WITH row AS MATERIALIZED (
      SELECT c.email, r.event_id, r.hash, r.remote_id, r.in_doubt, r.tried, c.lease_id = ${leaseId}::uuid AS own
      FROM json_to_recordset(${toJsonParameter(contacts.map(toRow))}::json) AS r (
        email text, event_id uuid, hash text, remote_id text, in_doubt boolean, tried boolean)
      JOIN crm_sync c ON c.email = r.email
      WHERE c.email = ANY(${emails}::text[]) AND c.provider = ${provider}
      ORDER BY c.email
      FOR UPDATE OF c
    )
    UPDATE crm_sync c SET
      synced_event_id = CASE WHEN row.own THEN coalesce(row.event_id, c.synced_event_id) ELSE c.synced_event_id END,
      synced_hash = CASE WHEN row.own THEN coalesce(row.hash, c.synced_hash) ELSE c.synced_hash END,
      remote_id = coalesce(row.remote_id, c.remote_id),
      synced_at = CASE WHEN row.own AND row.event_id IS NOT NULL THEN now() ELSE c.synced_at END,
      in_doubt = c.in_doubt OR row.in_doubt OR (row.tried AND row.own IS NOT TRUE),
      lease_id = CASE WHEN row.own THEN NULL ELSE c.lease_id END,
      lease_until = CASE WHEN row.own THEN NULL ELSE c.lease_until END
    FROM row
    WHERE c.email = row.email AND c.email = ANY(${emails}::text[]) AND c.provider = ${provider}
    RETURNING c.email, row.own IS TRUE AS own`.execute(db)
  return rows.filter((row) => row.own).map((row) => row.email)
}

function toRow({ email, write }: SettledContact) {
  const state = { email, tried: write !== 'none', in_doubt: write === 'in doubt' }
  return typeof write === 'string'
    ? state
    : { ...state, event_id: write.eventId, hash: write.hash, remote_id: write.remoteId }
}
