import type { Database } from '../database.ts'
import { readLedger, type StoreLedger } from './read-ledger.ts'
import { routedBatches } from './routed-batches.ts'

/**
 * The ledger, and which of these intake jobs it counts already. Both are of one moment: a batch that is routed meanwhile
 * is in both answers or in neither.
 */
export async function readLedgerBeside(
  db: Database,
  jobIds: readonly string[],
): Promise<{ readonly ledger: StoreLedger; readonly routed: ReadonlySet<string> }> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => ({ routed: await routedBatches(tx, jobIds), ledger: await readLedger(tx) }))
}
