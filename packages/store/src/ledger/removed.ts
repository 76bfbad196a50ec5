import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** What became of an envelope before its row was removed. `unnumbered`: it was routed before envelopes had numbers. */
export type RemovedState = 'processed' | 'duplicate' | 'dead' | 'quarantined' | 'unnumbered'

/** The name of the totals of rows that retention has removed: the ledger counts them on. */
export const removedTotal = 'removed'

/** Counts `amount` rows on that are removed in the same transaction; a negative one takes back what came again. */
export async function addRemoved(tx: Queryable, state: RemovedState, amount: number): Promise<void> {
  if (amount === 0) return
  await sql`INSERT INTO total_changes (name, key, amount) VALUES (${removedTotal}, ${state}, ${amount})`.execute(tx)
}
