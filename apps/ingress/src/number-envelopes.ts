import type { IntakeRange } from '@warmhook/schema/intake-range'
import { uniteRanges, type NumberRange } from '@warmhook/schema/number-ranges'

/** The numbers of one process's envelopes. */
export interface EnvelopeNumbers {
  readonly epoch: string
  /** Numbers for a batch. None is ever used twice, whatever becomes of the batch. */
  take(count: number): IntakeRange
  /** The batch is safe, or else refused: it is not known to be anywhere, and its senders were told so. */
  settle(range: IntakeRange, end: 'safe' | 'refused'): void
  /** Every number up to this one is settled. */
  readonly settled: number
  readonly refused: readonly NumberRange[]
}

/**
 * Refused ranges that are told apart. Adjacent ones are one, and Redis rests for a second after each failure, so there are
 * more only after hours of failing and working by turns. Then the envelopes between the oldest are no longer missed.
 */
const maxRefused = 1_000

/** Numbers envelopes from 1 on. `epoch`: 16 hexadecimal digits that no other process has. */
export function numberEnvelopes(epoch: string): EnvelopeNumbers {
  let last = 0
  let refused: readonly NumberRange[] = []
  const unsettled = new Set<IntakeRange>()
  return {
    epoch,
    take(count) {
      const range = { epoch, first: last + 1, last: last + count }
      last = range.last
      unsettled.add(range)
      return range
    },
    settle(range, end) {
      unsettled.delete(range)
      if (end === 'refused') refused = withinBound(uniteRanges([...refused, range]))
    },
    get settled() {
      return Math.min(last, ...[...unsettled].map(({ first }) => first - 1))
    },
    get refused() {
      return refused
    },
  }
}

function withinBound(ranges: readonly NumberRange[]): readonly NumberRange[] {
  const [oldest, next, ...rest] = ranges
  if (ranges.length <= maxRefused || oldest === undefined || next === undefined) return ranges
  return [{ first: oldest.first, last: next.last }, ...rest]
}
