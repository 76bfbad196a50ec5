/** Consecutive whole numbers, including both ends. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** The union of the ranges: as few ranges as possible, in ascending order. */
export function uniteRanges(ranges: Iterable<NumberRange>): readonly NumberRange[] {
  const united: NumberRange[] = []
  for (const { first, last } of [...ranges].toSorted((a, b) => a.first - b.first)) {
    const before = united.at(-1)
    if (before === undefined || first > before.last + 1) united.push({ first, last })
    else if (last > before.last) united[united.length - 1] = { first: before.first, last }
  }
  return united
}

/** The numbers of `from` that are not in `minus`. Both must be results of `uniteRanges`. */
export function subtractRanges(from: readonly NumberRange[], minus: readonly NumberRange[]): readonly NumberRange[] {
  const rest: NumberRange[] = []
  let next = 0
  for (const { first, last } of from) {
    let start = first
    while ((minus[next]?.last ?? last) < start) next += 1
    for (const taken of rangesUpTo(minus, next, last)) {
      if (taken.first > start) rest.push({ first: start, last: taken.first - 1 })
      start = taken.last + 1
    }
    if (start <= last) rest.push({ first: start, last })
  }
  return rest
}

function* rangesUpTo(ranges: readonly NumberRange[], index: number, last: number): Generator<NumberRange> {
  for (let range = ranges[index]; range !== undefined && range.first <= last; range = ranges[index]) {
    yield range
    index += 1
  }
}

/** How many numbers are in disjoint ranges. */
export function countNumbers(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}
