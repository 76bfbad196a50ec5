import type { Database } from '../database.ts'
import { readLedger, type StoreLedger } from './read-ledger.ts'
import { routedBatches } from './routed-batches.ts'
import { readRoutedRanges, type RoutedRange } from './routed-ranges.ts'

/** The ledger with what it counts: the numbered envelopes, and those of the given unnumbered jobs. */
export interface LedgerBeside {
  readonly ledger: StoreLedger
  readonly routed: ReadonlySet<string>
  readonly routedRanges: readonly RoutedRange[]
}

/** Everything is of one moment: a job that is routed meanwhile is in all answers or in none. */
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
