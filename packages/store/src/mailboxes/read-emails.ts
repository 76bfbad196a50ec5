import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** The current addresses of these mailboxes, by `mailboxKeyOf`; mailboxes without one are left out. */
export async function readEmails(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ owner: string; campaign_id: string; email: string }>`
    SELECT owner, campaign_id, email FROM mailboxes
    WHERE campaign_id = ANY(${mailboxes.map(({ campaignId }) => campaignId)}::bigint[])
      AND owner = ANY(${[...new Set(mailboxes.map(({ owner }) => owner))]}::text[]) AND email IS NOT NULL`.execute(db)
  return new Map(
    rows.map(({ owner, campaign_id: id, email }) => [mailboxKeyOf({ owner, campaignId: Number(id) }), email]),
  )
}
