import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { toJsonParameter } from './json-parameter.ts'

/**
 * What a lock protects. Locks of different purposes do not block each other.
 * The numbers are hash seeds of the lock keys: never change one while processes of two versions may run.
 */
const lockPurposes = { routing: 1, folding: 2, announcing: 3 } as const
type LockPurpose = keyof typeof lockPurposes

/** Locks these mailboxes until the transaction ends. Locks are taken in a fixed order to avoid deadlocks. */
export async function lockMailboxes(
  tx: Queryable,
  purpose: LockPurpose,
  mailboxes: readonly MailboxKey[],
): Promise<void> {
  const names = mailboxes.map(mailboxKeyOf)
  await sql`
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(name, ${sql.lit(lockPurposes[purpose])}) AS key
      FROM json_array_elements_text(${toJsonParameter(names)}::json) AS name
      ORDER BY key
    ) AS keys`.execute(tx)
}
