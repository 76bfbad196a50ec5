import type { IntakeRange } from '@warmhook/schema/intake-range'
import { uniteRanges, type NumberRange } from '@warmhook/schema/number-ranges'

/** The numbers of one process's envelopes. */
export interface EnvelopeNumbers {
  readonly epoch: string
  /** Assigns numbers to a batch. Numbers are never reused, whether or not the batch succeeds. */
  take(count: number): IntakeRange
  /** The batch is persisted (`safe`), or it may not be persisted anywhere and its senders got an error (`refused`). */
  settle(range: IntakeRange, end: 'safe' | 'refused'): void
  /** Every number up to this one is settled. */
  readonly settled: number
  readonly refused: readonly NumberRange[]
}

/**
 * Refused ranges that are stored separately. Adjacent ranges are merged, and Redis is not used for a second after each
 * failure, so the limit is only reached after hours of intermittent failures. The two oldest ranges are then merged,
 * and envelopes between them can no longer be reported as missing.
 */
const maxRefused = 1_000

/** Numbers envelopes starting at 1. `epoch`: 16 hexadecimal digits, unique to this process. */
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
