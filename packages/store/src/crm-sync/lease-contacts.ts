import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A contact of a CRM account, as requested for one owner's mailbox. */
export interface ContactKey {
  /** In lower case. */
  readonly email: string
  readonly owner: string
}

/** A contact that only the caller may write until the lease ends. */
export interface LeasedContact extends ContactKey {
  /** Hash of the contact's state in the CRM; null if that is not known for sure. */
  readonly syncedHash: string | null
  /** The CRM's id of the contact, if it is known. */
  readonly remoteId: string | null
}

export interface LeaseTerms {
  readonly leaseId: string
  readonly leaseMs: number
  /** If true, a contact can show any owner's mailbox. If false, it belongs to the owner that wrote it first. */
  readonly isShared: boolean
}

/**
 * Leases those of the contacts that are not leased by another worker. A lease ends with `settleContacts`, or expires
 * after `leaseMs`, so that a dead worker does not block others for long; it is unknown what such a worker wrote.
 *
 * A contact belongs to one owner. Another owner gets it only when the former has no mailbox with that address any more.
 */
export async function leaseContacts(
  db: Queryable,
  account: string,
  contacts: readonly ContactKey[],
  { leaseId, leaseMs, isShared }: LeaseTerms,
): Promise<readonly LeasedContact[]> {
  // Ordered to avoid deadlocks. Each contact is leased once, preferably for the owner that has it.
  const { rows } = await sql<LeasedContact>`
    INSERT INTO crm_sync AS c (provider, email, owner, lease_id, lease_until)
    SELECT DISTINCT ON (w.email) ${account}::text, w.email, w.owner, ${leaseId}::uuid, now() + ${leaseMs} * interval '1 millisecond'
    FROM ${wanted(contacts)} LEFT JOIN LATERAL ${ownerOf(account)} AS s ON true
    ORDER BY w.email, s.owner = w.owner DESC NULLS LAST, w.position
    ON CONFLICT (email, provider) DO UPDATE SET
      owner = excluded.owner, lease_id = excluded.lease_id, lease_until = excluded.lease_until,
      synced_hash = CASE WHEN c.lease_id IS NULL AND NOT c.in_doubt THEN c.synced_hash END, in_doubt = false
    WHERE (c.lease_id IS NULL OR c.lease_until < now())
      AND (${isShared}::boolean OR c.owner IS NULL OR c.owner = excluded.owner OR NOT (${isHeld('c')}))
    RETURNING c.email, c.owner, c.synced_hash AS "syncedHash", c.remote_id AS "remoteId"`.execute(db)
  return rows
}

/** Those of the contacts that belong to another owner. */
export async function findContactsOfOthers(
  db: Queryable,
  account: string,
  contacts: readonly ContactKey[],
): Promise<readonly ContactKey[]> {
  const { rows } = await sql<ContactKey>`
    SELECT w.email, w.owner FROM ${wanted(contacts)} CROSS JOIN LATERAL ${ownerOf(account)} AS s
    WHERE s.owner <> w.owner AND ${isHeld('s')}`.execute(db)
  return rows
}

/** Whether the owner of a crm_sync row has a mailbox with its address. Non-ASCII addresses can't be looked up: true. */
function isHeld(row: 'c' | 's') {
  const { email, owner } = { email: sql.ref(`${row}.email`), owner: sql.ref(`${row}.owner`) }
  // The expression matches the index mailboxes_by_contact.
  return sql`(octet_length(${email}) > length(${email}) OR EXISTS (
    SELECT FROM mailboxes m WHERE lower(btrim(left(m.email, 320))) = ${email} AND m.owner = ${owner}))`
}

/** With LIMIT, Postgres looks each contact up; a join may read all of them: 10 ms for a batch with 10,000 contacts, not 0.3. */
function ownerOf(account: string) {
  return sql`(SELECT email, owner FROM crm_sync WHERE email = w.email AND provider = ${account} LIMIT 1)`
}

function wanted(contacts: readonly ContactKey[]) {
  const rows = contacts.map(({ email, owner }, position) => ({ email, owner, position }))
  return sql`json_to_recordset(${toJsonParameter(rows)}::json) AS w (email text, owner text, position integer)`
}
