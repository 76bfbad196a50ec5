import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countNumbers, subtractRanges, uniteRanges, type NumberRange } from './number-ranges.ts'

const ranges = fc.array(
  fc.tuple(fc.nat(40), fc.nat(6)).map(([first, more]): NumberRange => ({ first, last: first + more })),
)

function numbersOf(list: readonly NumberRange[]): ReadonlySet<number> {
  return new Set(list.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n)))
}

describe('number ranges', () => {
  it('unite to the same numbers, in order and without touching ranges', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const united = uniteRanges(list)
        expect(numbersOf(united)).toEqual(numbersOf(list))
        expect(countNumbers(united)).toBe(numbersOf(list).size)
        for (const [index, range] of united.slice(1).entries())
          expect(range.first).toBeGreaterThan((united[index]?.last ?? 0) + 1)
      }),
    )
  })

  it('subtract like sets of numbers', () => {
    fc.assert(
      fc.property(ranges, ranges, (from, minus) => {
        const rest = subtractRanges(uniteRanges(from), uniteRanges(minus))
        expect(numbersOf(rest)).toEqual(numbersOf(from).difference(numbersOf(minus)))
        expect(countNumbers(rest)).toBe(numbersOf(rest).size)
      }),
    )
  })
})
