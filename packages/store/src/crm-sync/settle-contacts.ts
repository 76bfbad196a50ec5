import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'
import { doubtContacts } from './doubt-contacts.ts'

/** A leased contact to release, and the result of its write. */
export interface SettledContact {
  readonly email: string
  /** `in doubt`: the CRM may have been changed, so the next write is not skipped. */
  readonly write: 'none' | 'in doubt' | WrittenContact
}

export interface WrittenContact {
  /** The latest event included in the write. */
  readonly eventId: string
  readonly hash: string
  readonly remoteId: string | null
}

/**
 * Records what was written and ends the leases. Returns the e-mails for which the caller still held the lease. For the
 * rest, another worker may have written before or after the caller, so they are marked as in doubt.
 */
export async function settleContacts(
  db: Queryable,
  account: string,
  leaseId: string,
  contacts: readonly SettledContact[],
): Promise<readonly string[]> {
  const own = await settleOwn(db, account, leaseId, contacts)
  const settled = new Set(own)
  const lost = contacts.filter(({ email, write }) => write !== 'none' && !settled.has(email))
  if (lost.length > 0)
    await doubtContacts(
      db,
      account,
      lost.map(({ email }) => email),
    )
  return own
}

async function settleOwn(
  db: Queryable,
  account: string,
  leaseId: string,
  contacts: readonly SettledContact[],
): Promise<readonly string[]> {
  // The rows exist already. INSERT … ON CONFLICT finds them by key and in order, independent of planner statistics.
  const { rows } = await sql<{ email: string }>`
    INSERT INTO crm_sync AS c (provider, email, lease_id, lease_until, synced_event_id, synced_hash, remote_id, in_doubt)
    SELECT ${account}::text, email, ${leaseId}::uuid, now(), event_id, hash, remote_id, in_doubt
    FROM json_to_recordset(${toJsonParameter(contacts.map(toRow))}::json) AS row (
      email text, event_id uuid, hash text, remote_id text, in_doubt boolean)
    ORDER BY email
    ON CONFLICT (email, provider) DO UPDATE SET
      synced_event_id = coalesce(excluded.synced_event_id, c.synced_event_id),
      synced_hash = coalesce(excluded.synced_hash, c.synced_hash),
      remote_id = coalesce(excluded.remote_id, c.remote_id),
      synced_at = CASE WHEN excluded.synced_event_id IS NULL THEN c.synced_at ELSE now() END,
      in_doubt = c.in_doubt OR excluded.in_doubt,
      lease_id = NULL, lease_until = NULL
    WHERE c.lease_id = excluded.lease_id
    RETURNING c.email`.execute(db)
  return rows.map((row) => row.email)
}

function toRow({ email, write }: SettledContact) {
  if (typeof write === 'string') return { email, in_doubt: write === 'in doubt' }
  return { email, in_doubt: false, event_id: write.eventId, hash: write.hash, remote_id: write.remoteId }
}
