import type { Database } from '@warmhook/store/database'
import { readLedgerBeside } from '@warmhook/store/ledger/read-ledger-beside'
import type { Queue } from 'bullmq'
import { readIntakeBatches } from './read-intake-batches.ts'

export interface Ledger {
  readonly accepted: number
  readonly processed: number
  readonly duplicate: number
  readonly quarantined: number
  readonly dead: number
  readonly inFlight: number
  readonly balanced: boolean
}

/**
 * What has become of every envelope that was ever accepted: the rest must add up to `accepted`. Redis is read before the
 * database, so that a batch that is routed meanwhile is found in the database.
 */
export async function readFullLedger(intake: Queue, db: Database): Promise<Ledger> {
  const batches = await readIntakeBatches(intake)
  const { ledger, routed } = await readLedgerBeside(db, [...batches.keys()])
  const waiting = [...batches].reduce((sum, [id, envelopes]) => sum + (routed.has(id) ? 0 : envelopes), 0)
  const { processed, duplicate, quarantined, dead } = ledger
  const accepted = ledger.routed + waiting
  const inFlight = ledger.inFlight + waiting
  const balanced = accepted === processed + duplicate + quarantined + dead + inFlight
  return { accepted, processed, duplicate, quarantined, dead, inFlight, balanced }
}
