import { isUnnumberedJobId, parseIntakeJobId } from '@warmhook/schema/intake-range'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A routed intake job. */
export interface Receipt {
  readonly jobId: string
  readonly envelopes: number
}

/**
 * Records which envelopes are routed, each once, by their numbers: repeated jobs and the parts of a split job share
 * them. Jobs from versions that did not number envelopes are recorded by job id.
 */
export async function recordReceipts(tx: Queryable, receipts: readonly Receipt[]): Promise<void> {
  const ranges = receipts.flatMap(({ jobId }) => parseIntakeJobId(jobId) ?? [])
  const older = receipts.filter(({ jobId }) => isUnnumberedJobId(jobId))
  if (ranges.length > 0) {
    // In a fixed order, so that two transactions with the same jobs do not deadlock.
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
