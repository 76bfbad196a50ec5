import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Those of the intake jobs whose envelopes the ledger counts already. */
export async function routedBatches(db: Queryable, jobIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{
    id: string
  }>`SELECT id FROM intake_batches WHERE id = ANY(${[...jobIds]}::uuid[])`.execute(db)
  return new Set(rows.map((row) => row.id))
}
