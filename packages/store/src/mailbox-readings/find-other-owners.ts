import type { MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** The ids of those campaigns, unknown as mailboxes of the owner, that are known as mailboxes of other owners. */
export async function findOtherOwners(
  db: Queryable,
  owner: string,
  unknown: readonly MailboxKey[],
): Promise<ReadonlySet<number>> {
  if (unknown.length === 0) return new Set()
  const campaignIds = unknown.map(({ campaignId }) => campaignId)
  const { rows } = await sql<{ campaign_id: string }>`
    SELECT campaign_id FROM mailboxes WHERE campaign_id = ANY(${campaignIds}::bigint[]) AND owner <> ${owner}`.execute(
    db,
  )
  return new Set(rows.map((row) => Number(row.campaign_id)))
}
