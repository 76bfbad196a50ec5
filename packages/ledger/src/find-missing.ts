import type { EpochReport } from '@warmhook/schema/ingress-report'
import type { IntakeRange } from '@warmhook/schema/intake-range'
import { subtractRanges, uniteRanges, type NumberRange } from '@warmhook/schema/number-ranges'
import type { RoutedRange } from '@warmhook/store/ledger/routed-ranges'
import type { LatestReports } from './read-reports.ts'

/** Acknowledged envelopes that are neither routed nor in the intake queue nor in a spool. */
export interface MissingRange extends IntakeRange {
  /** When their neighbours were routed, which is about when they were received. */
  readonly after: Date
  readonly before: Date
}

interface Whereabouts extends LatestReports {
  readonly intake: readonly IntakeRange[]
  /** In ascending order within each epoch. */
  readonly routed: readonly RoutedRange[]
}

export interface NumberedEnvelopes {
  /** In the intake queue or in a spool, and not routed. */
  readonly waiting: readonly NumberRange[]
  readonly missing: readonly MissingRange[]
}

/** Compares the envelopes that ingresses have acknowledged with those that can be found. */
export function findMissing({ epochs, spools, intake, routed }: Whereabouts): NumberedEnvelopes {
  const reportOf = new Map(epochs.map((report) => [report.name, report]))
  const spooled = spools.flatMap(({ ranges }) =>
    Object.entries(ranges).flatMap(([epoch, pairs]) => toRanges(pairs).map((range) => ({ epoch, ...range }))),
  )
  const waitingOf = Map.groupBy([...intake, ...spooled], ({ epoch }) => epoch)
  const routedOf = Map.groupBy(routed, ({ epoch }) => epoch)
  const waiting: NumberRange[] = []
  const missing: MissingRange[] = []
  for (const epoch of new Set([...reportOf.keys(), ...waitingOf.keys()])) {
    const found = routedOf.get(epoch) ?? []
    const held = subtractRanges(uniteRanges(waitingOf.get(epoch) ?? []), found)
    waiting.push(...held)
    const report = reportOf.get(epoch)
    if (report === undefined) continue
    const lost = subtractRanges(acknowledgedBy(report), uniteRanges([...found, ...held]))
    missing.push(...lost.map((range) => ({ epoch, ...range, ...timesAround(range, found, report) })))
  }
  return { waiting, missing }
}

function acknowledgedBy({ settled, void: refused }: EpochReport): readonly NumberRange[] {
  return settled === 0 ? [] : subtractRanges([{ first: 1, last: settled }], uniteRanges(toRanges(refused)))
}

function toRanges(pairs: readonly (readonly [number, number])[]): readonly NumberRange[] {
  return pairs.map(([first, last]) => ({ first, last }))
}

function timesAround(
  { first, last }: NumberRange,
  routed: readonly RoutedRange[],
  { startedAt, reportedAt }: EpochReport,
): Pick<MissingRange, 'after' | 'before'> {
  const before = routed.findLast((range) => range.last < first)
  const after = routed.find((range) => range.first > last)
  return {
    after: before?.routedUntil ?? new Date(startedAt),
    before: after?.routedFrom ?? new Date(reportedAt),
  }
}
