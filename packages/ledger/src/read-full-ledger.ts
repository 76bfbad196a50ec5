import { countNumbers } from '@warmhook/schema/number-ranges'
import type { Database } from '@warmhook/store/database'
import type { Queue } from 'bullmq'
import { surveyEnvelopes, type EnvelopeSurvey } from './survey-envelopes.ts'

/** The state of every envelope that was ever accepted. */
export interface Ledger {
  readonly accepted: number
  readonly processed: number
  readonly duplicate: number
  readonly quarantined: number
  readonly dead: number
  readonly inFlight: number
  /** Acknowledged, but nowhere to be found. */
  readonly missing: number
  /** Nothing is missing, and the rest adds up to `accepted`. */
  readonly balanced: boolean
}

/** Reads the ledger from the ingresses' reports, the intake queue and the database. */
export async function readFullLedger(intake: Queue, db: Database): Promise<Ledger> {
  return toLedger(await surveyEnvelopes(intake, db))
}

/** The figures of a survey. */
export function toLedger({ ledger, routed, waiting, missing: ranges }: EnvelopeSurvey): Ledger {
  const { processed, duplicate, quarantined, dead } = ledger
  const missing = countNumbers(ranges)
  const inFlight = ledger.inFlight + waiting
  const accepted = routed + waiting + missing
  const balanced = missing === 0 && accepted === processed + duplicate + quarantined + dead + inFlight
  return { accepted, processed, duplicate, quarantined, dead, inFlight, missing, balanced }
}
