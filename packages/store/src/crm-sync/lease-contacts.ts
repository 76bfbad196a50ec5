import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A contact in one owner's CRM; the e-mail is in lower case. */
export interface ContactKey {
  readonly owner: string
  readonly email: string
}

/** A contact that the caller alone may write until the lease ends, and what was last written to it. */
export interface LeasedContact extends ContactKey {
  readonly syncedEventId: string | null
  readonly syncedHash: string | null
}

/**
 * Leases those of the contacts that nobody else holds. A lease ends by `settleContacts`, or by itself after `leaseMs`,
 * so that a worker that died holds nothing up for long.
 */
export async function leaseContacts(
  db: Queryable,
  provider: string,
  contacts: readonly ContactKey[],
  { leaseId, leaseMs }: { readonly leaseId: string; readonly leaseMs: number },
): Promise<readonly LeasedContact[]> {
  // Ordered, so that two statements never wait for each other's rows.
  const { rows } = await sql<LeasedContact>`
    INSERT INTO crm_sync AS c (owner, provider, email, lease_id, lease_until)
    SELECT owner, ${provider}::text, email, ${leaseId}::uuid, now() + ${leaseMs} * interval '1 millisecond'
    FROM json_to_recordset(${toJsonParameter(contacts)}::json) AS row (owner text, email text)
    ORDER BY email, owner
    ON CONFLICT (email, owner, provider) DO UPDATE SET lease_id = excluded.lease_id, lease_until = excluded.lease_until
    WHERE c.lease_until IS NULL OR c.lease_until < now()
    RETURNING c.owner, c.email, c.synced_event_id AS "syncedEventId", c.synced_hash AS "syncedHash"`.execute(db)
  return rows
}
