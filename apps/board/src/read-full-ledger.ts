import type { Database } from '@warmhook/store/database'
import { readLedger } from '@warmhook/store/ledger/read-ledger'
import type { Queue } from 'bullmq'
import { countIntakeEnvelopes } from './intake-envelopes.ts'

export interface Ledger {
  readonly accepted: number
  readonly processed: number
  readonly duplicate: number
  readonly quarantined: number
  readonly dead: number
  readonly inFlight: number
  readonly balanced: boolean
}

/** What has become of every envelope that was ever accepted: the rest must add up to `accepted`. */
export async function readFullLedger(intake: Queue, db: Database): Promise<Ledger> {
  const waiting = await countIntakeEnvelopes(intake, db)
  const { routed, processed, duplicate, quarantined, dead, inFlight: unfinished } = await readLedger(db)
  const accepted = routed + waiting
  const inFlight = unfinished + waiting
  const balanced = accepted === processed + duplicate + quarantined + dead + inFlight
  return { accepted, processed, duplicate, quarantined, dead, inFlight, balanced }
}
