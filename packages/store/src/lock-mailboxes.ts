import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { toJsonParameter } from './json-parameter.ts'

/**
 * What a lock protects. Work of one purpose takes turns, not work of different ones.
 * The numbers are seeds of the lock's hash: never change one while processes of two versions run.
 */
const lockPurposes = { routing: 1, folding: 2, announcing: 3 } as const
type LockPurpose = keyof typeof lockPurposes

/** Holds these mailboxes until the transaction ends. Locks are taken in one order, so that no two batches wait for each other. */
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
