import { parseIntakeJobId } from '@warmhook/schema/intake-range'
import { subtractRanges, uniteRanges, type NumberRange } from '@warmhook/schema/number-ranges'

/** Which envelopes are in the spool, by epoch. */
export interface SpooledRanges {
  add(jobIds: Iterable<string>): void
  remove(jobIds: Iterable<string>): void
  byEpoch(): ReadonlyMap<string, readonly NumberRange[]>
}

/** The spool is first in, first out, so a few ranges describe it, regardless of its size. */
export function trackSpooled(): SpooledRanges {
  const ranges = new Map<string, readonly NumberRange[]>()
  const change = (jobIds: Iterable<string>, to: typeof uniteAll): void => {
    const changed = Map.groupBy(
      [...jobIds].flatMap((id) => parseIntakeJobId(id) ?? []),
      ({ epoch }) => epoch,
    )
    for (const [epoch, list] of changed) {
      const left = to(ranges.get(epoch) ?? [], list)
      if (left.length > 0) ranges.set(epoch, left)
      else ranges.delete(epoch)
    }
  }
  return {
    add: (jobIds) => change(jobIds, uniteAll),
    remove: (jobIds) => change(jobIds, (had, list) => subtractRanges(had, uniteRanges(list))),
    byEpoch: () => ranges,
  }
}

function uniteAll(had: readonly NumberRange[], list: readonly NumberRange[]): readonly NumberRange[] {
  return uniteRanges([...had, ...list])
}
