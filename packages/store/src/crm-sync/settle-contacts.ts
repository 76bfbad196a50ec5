import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'
import type { ContactKey } from './lease-contacts.ts'

/** A leased contact to let go, with what was written to it, if anything was. */
export interface SettledContact extends ContactKey {
  readonly written?: { readonly eventId: string; readonly hash: string; readonly remoteId: string | null }
}

/**
 * Records what was written and ends the leases. Returns the contacts whose lease was still the caller's: another's
 * write may have come between for the rest.
 */
export async function settleContacts(
  db: Queryable,
  provider: string,
  leaseId: string,
  contacts: readonly SettledContact[],
): Promise<readonly ContactKey[]> {
  const rows = contacts
    .map(({ owner, email, written }) => ({
      owner,
      email,
      event_id: written?.eventId,
      hash: written?.hash,
      remote_id: written?.remoteId,
    }))
    .toSorted((a, b) => (a.email < b.email ? -1 : 1))
  const settled = await sql<ContactKey>`
    UPDATE crm_sync c SET
      synced_event_id = coalesce(row.event_id, c.synced_event_id),
      synced_hash = coalesce(row.hash, c.synced_hash),
      remote_id = coalesce(row.remote_id, c.remote_id),
      synced_at = CASE WHEN row.event_id IS NULL THEN c.synced_at ELSE now() END,
      lease_id = NULL, lease_until = NULL
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      owner text, email text, event_id uuid, hash text, remote_id text)
    WHERE c.email = row.email AND c.owner = row.owner AND c.provider = ${provider} AND c.lease_id = ${leaseId}::uuid
    RETURNING c.owner, c.email`.execute(db)
  return settled.rows
}
