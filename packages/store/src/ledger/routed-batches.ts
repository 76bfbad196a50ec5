import { isUnnumberedJobId } from '@warmhook/schema/intake-range'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** The ids of those unnumbered intake jobs that have been routed. */
export async function routedBatches(db: Queryable, jobIds: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = jobIds.filter(isUnnumberedJobId)
  if (ids.length === 0) return new Set()
  const { rows } = await sql<{ id: string }>`SELECT id FROM intake_batches WHERE id = ANY(${ids}::uuid[])`.execute(db)
  return new Set(rows.map((row) => row.id))
}
