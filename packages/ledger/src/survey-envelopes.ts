import { countNumbers, subtractRanges, type NumberRange } from '@warmhook/schema/number-ranges'
import type { Database } from '@warmhook/store/database'
import { readLedgerBeside } from '@warmhook/store/ledger/read-ledger-beside'
import type { StoreLedger } from '@warmhook/store/ledger/read-ledger'
import type { Queue } from 'bullmq'
import { findMissing, type MissingRange } from './find-missing.ts'
import { readIntake } from './read-intake.ts'
import { readLatestReports } from './read-reports.ts'

/** The location of every envelope that was ever accepted. */
export interface EnvelopeSurvey {
  readonly ledger: StoreLedger
  /** Envelopes, numbered or not. */
  readonly routed: number
  /** In the intake queue or in a spool. */
  readonly waiting: number
  readonly missing: readonly MissingRange[]
}

/**
 * Looks for every envelope. Envelopes that seem to be missing are looked for a second time: a Redis failover can hide
 * them for a moment.
 */
export async function surveyEnvelopes(intake: Queue, db: Database): Promise<EnvelopeSurvey> {
  const survey = await surveyOnce(intake, db)
  if (survey.missing.length === 0) return survey
  const again = await surveyOnce(intake, db)
  return { ...again, missing: again.missing.flatMap((range) => alsoIn(survey.missing, range)) }
}

/** Reads in the order in which envelopes move (spool, intake queue, Postgres), so one that moves meanwhile is found. */
async function surveyOnce(intake: Queue, db: Database): Promise<EnvelopeSurvey> {
  const reports = await readLatestReports(intake, db)
  const { ranges, unnumbered } = await readIntake(intake)
  const { ledger, routed, routedRanges } = await readLedgerBeside(db, [...unnumbered.keys()])
  const { waiting, missing } = findMissing({ ...reports, intake: ranges, routed: routedRanges })
  const unrouted = [...unnumbered].reduce((sum, [id, envelopes]) => sum + (routed.has(id) ? 0 : envelopes), 0)
  return {
    ledger,
    routed: ledger.routedUnnumbered + countNumbers(routedRanges),
    waiting: countNumbers(waiting) + unrouted,
    missing,
  }
}

function alsoIn(earlier: readonly MissingRange[], range: MissingRange): readonly MissingRange[] {
  const candidates: readonly NumberRange[] = earlier.filter(({ epoch }) => epoch === range.epoch)
  const found = subtractRanges([range], candidates)
  return subtractRanges([range], found).map((part) => ({ ...range, ...part }))
}
