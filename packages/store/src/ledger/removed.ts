import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** The state of an envelope when its row was removed. `unnumbered`: it was routed before envelopes had numbers. */
export type RemovedState = 'processed' | 'duplicate' | 'dead' | 'quarantined' | 'unnumbered'

/** The name of the totals of rows removed by retention, which the ledger still counts. */
export const removedTotal = 'removed'

/** Keeps counting `amount` rows that are removed in the same transaction. A negative amount is for rows added again. */
export async function addRemoved(tx: Queryable, state: RemovedState, amount: number): Promise<void> {
  if (amount === 0) return
  await sql`INSERT INTO total_changes (name, key, amount) VALUES (${removedTotal}, ${state}, ${amount})`.execute(tx)
}
