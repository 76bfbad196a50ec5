import { isUnnumberedJobId, parseIntakeJobId } from '@warmhook/schema/intake-range'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** An intake job that is routed. */
export interface Receipt {
  readonly jobId: string
  readonly envelopes: number
}

/**
 * Records which envelopes are routed, once each: by their numbers, which a repeated job and the parts of a split one share.
 * Jobs of versions that did not number envelopes go by their ids.
 */
export async function recordReceipts(tx: Queryable, receipts: readonly Receipt[]): Promise<void> {
  const ranges = receipts.flatMap(({ jobId }) => parseIntakeJobId(jobId) ?? [])
  const older = receipts.filter(({ jobId }) => isUnnumberedJobId(jobId))
  if (ranges.length > 0) {
    // In one order, so that two transactions with the same jobs do not wait for each other.
    await sql`
      INSERT INTO intake_ranges (epoch, first, last)
      SELECT epoch, first, last FROM json_to_recordset(${toJsonParameter(ranges)}::json) AS row (
        epoch text, first bigint, last bigint)
      ORDER BY epoch, first, last
      ON CONFLICT DO NOTHING`.execute(tx)
  }
  if (older.length > 0) {
    const rows = older.map(({ jobId, envelopes }) => ({ id: jobId, envelopes }))
    await sql`
      INSERT INTO intake_batches (id, envelopes)
      SELECT id, envelopes FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (id uuid, envelopes int)
      ORDER BY id
      ON CONFLICT DO NOTHING`.execute(tx)
  }
}
