import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** What Mailivery's API says about a mailbox. */
export interface MailboxReading {
  readonly owner: string
  readonly campaignId: number
  /** Verbatim. */
  readonly statusCode: string | null
}

/** Stores readings; an earlier one never replaces a later one. `at` is when the reading began (ms since the epoch). */
export async function saveReadings(db: Queryable, readings: readonly MailboxReading[], at: number): Promise<void> {
  const rows = readings
    .map(({ owner, campaignId, statusCode }) => ({ owner, campaign_id: campaignId, status_code: statusCode }))
    // In a fixed order, so that two runs never wait for each other.
    .toSorted((a, b) => a.campaign_id - b.campaign_id)
  if (rows.length === 0) return
  await sql`
    INSERT INTO mailbox_readings AS known (owner, campaign_id, status_code, read_at)
    SELECT DISTINCT ON (campaign_id, owner) owner, campaign_id, status_code, to_timestamp(${at}::bigint / 1000.0)
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (owner text, campaign_id bigint, status_code text)
    ON CONFLICT (campaign_id, owner) DO UPDATE SET
      status_code = excluded.status_code, read_at = excluded.read_at, missed_at = NULL
    WHERE known.read_at <= excluded.read_at`.execute(db)
}
