import type { Pause } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'
import { toPause, type PauseRow } from './to-pause.ts'

/** The mailboxes' pauses that are open or were closed after `since` (ms since the epoch), oldest first, by `mailboxKeyOf`. */
export async function recentPauses(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
  since: number,
): Promise<ReadonlyMap<string, readonly Pause[]>> {
  const keys = mailboxes.map(({ owner, campaignId }) => ({ owner, campaign_id: campaignId }))
  // OFFSET keeps the subquery one: as a join, a plan for small tables would read all pauses.
  const { rows } = await sql<PauseRow>`
    SELECT DISTINCT p.owner, p.campaign_id, p.opened_by, p.opened_by_type, p.opened_at, p.reason, p.reasons,
      p.closed_by, p.closed_by_type, p.closed_proof,
      p.closed_at
    FROM json_to_recordset(${toJsonParameter(keys)}::json) AS key (owner text, campaign_id bigint)
    CROSS JOIN LATERAL (
      SELECT * FROM pauses WHERE campaign_id = key.campaign_id AND owner = key.owner OFFSET 0) AS p
    WHERE p.closed_at IS NULL OR p.closed_at > to_timestamp(${since}::bigint / 1000.0)
    ORDER BY p.opened_by`.execute(db)
  const groups = Map.groupBy(rows, (row) => mailboxKeyOf({ owner: row.owner, campaignId: Number(row.campaign_id) }))
  return new Map([...groups].map(([key, group]) => [key, group.map(toPause)]))
}
