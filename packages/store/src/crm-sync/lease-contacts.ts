import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A contact that the caller alone may write until the lease ends. */
export interface LeasedContact {
  /** In lower case. */
  readonly email: string
  /** Of what the CRM holds, where that is known for sure. */
  readonly syncedHash: string | null
}

export interface LeaseTerms {
  readonly leaseId: string
  readonly leaseMs: number
}

/**
 * Leases those of the contacts that nobody else holds. A lease ends by `settleContacts`, or by itself after `leaseMs`,
 * so that a worker that died holds nothing up for long; what such a worker wrote is not known.
 */
export async function leaseContacts(
  db: Queryable,
  provider: string,
  emails: readonly string[],
  { leaseId, leaseMs }: LeaseTerms,
): Promise<readonly LeasedContact[]> {
  // Ordered, so that two statements never wait for each other's rows.
  const { rows } = await sql<LeasedContact>`
    INSERT INTO crm_sync AS c (provider, email, lease_id, lease_until)
    SELECT ${provider}::text, email, ${leaseId}::uuid, now() + ${leaseMs} * interval '1 millisecond'
    FROM json_array_elements_text(${toJsonParameter(emails)}::json) AS email
    ORDER BY email
    ON CONFLICT (email, provider) DO UPDATE SET
      lease_id = excluded.lease_id, lease_until = excluded.lease_until,
      synced_hash = CASE WHEN c.lease_id IS NULL AND NOT c.in_doubt THEN c.synced_hash END, in_doubt = false
    WHERE c.lease_id IS NULL OR c.lease_until < now()
    RETURNING c.email, c.synced_hash AS "syncedHash"`.execute(db)
  return rows
}
