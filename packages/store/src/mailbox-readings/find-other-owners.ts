import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Those of these campaigns that are known only as mailboxes of other owners. */
export async function findOtherOwners(
  db: Queryable,
  owner: string,
  campaignIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ campaign_id: string }>`
    SELECT campaign_id FROM mailboxes WHERE campaign_id = ANY(${[...campaignIds]}::bigint[])
    GROUP BY campaign_id HAVING bool_and(owner <> ${owner})`.execute(db)
  return new Set(rows.map((row) => Number(row.campaign_id)))
}
