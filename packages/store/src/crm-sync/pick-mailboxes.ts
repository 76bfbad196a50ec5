import type { MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/**
 * The mailbox that each contact shows, by e-mail in lower case: of the folded mailboxes with that address one that is
 * not deleted, and of these the one with the latest event. A mailbox that moved to a new campaign is told of as deleted
 * and created, in any order.
 */
export async function pickMailboxes(
  db: Queryable,
  emails: readonly string[],
): Promise<ReadonlyMap<string, MailboxKey>> {
  // The expression is that of the index mailboxes_by_contact.
  const { rows } = await sql<{ contact: string; owner: string; campaign_id: string }>`
    SELECT DISTINCT ON (contact) lower(btrim(left(email, 320))) AS contact, owner, campaign_id
    FROM mailboxes
    WHERE lower(btrim(left(email, 320))) = ANY(${emails}::text[])
    ORDER BY contact, status = 'deleted', last_event_id DESC`.execute(db)
  return new Map(rows.map((row) => [row.contact, { owner: row.owner, campaignId: Number(row.campaign_id) }]))
}
