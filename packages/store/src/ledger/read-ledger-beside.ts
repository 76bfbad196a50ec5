import type { Database } from '../database.ts'
import { readLedger, type StoreLedger } from './read-ledger.ts'
import { routedBatches } from './routed-batches.ts'
import { readRoutedRanges, type RoutedRange } from './routed-ranges.ts'

/** The ledger with the routed envelopes that it counts: the numbered ones, and those of the given unnumbered jobs. */
export interface LedgerBeside {
  readonly ledger: StoreLedger
  readonly routed: ReadonlySet<string>
  readonly routedRanges: readonly RoutedRange[]
}

/** Reads everything from one snapshot: a job that is routed concurrently is in all results or in none. */
export async function readLedgerBeside(db: Database, jobIds: readonly string[]): Promise<LedgerBeside> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => ({
      routed: await routedBatches(tx, jobIds),
      routedRanges: await readRoutedRanges(tx),
      ledger: await readLedger(tx),
    }))
}
