import { countNumbers } from '@warmhook/schema/number-ranges'
import { describe, expect, it } from 'vitest'
import { numberEnvelopes } from './number-envelopes.ts'

const epoch = '0123456789abcdef'

describe('numberEnvelopes', () => {
  it('uses no number twice, even after a refusal', () => {
    const numbers = numberEnvelopes(epoch)
    const first = numbers.take(3)
    numbers.settle(first, 'refused')
    expect(first).toEqual({ epoch, first: 1, last: 3 })
    expect(numbers.take(2)).toEqual({ epoch, first: 4, last: 5 })
    expect(numbers.refused).toEqual([{ first: 1, last: 3 }])
  })

  it('settles no number while an earlier one is unsettled', () => {
    const numbers = numberEnvelopes(epoch)
    const [one, two, three] = [numbers.take(10), numbers.take(10), numbers.take(10)]
    expect(numbers.settled).toBe(0)
    numbers.settle(two, 'safe')
    expect(numbers.settled).toBe(0)
    numbers.settle(one, 'safe')
    expect(numbers.settled).toBe(20)
    numbers.settle(three, 'safe')
    expect(numbers.settled).toBe(30)
  })

  it('limits the refused ranges it stores, and never treats a refused number as safe', () => {
    const numbers = numberEnvelopes(epoch)
    for (let n = 0; n < 3_000; n += 1) numbers.settle(numbers.take(1), n % 2 === 0 ? 'refused' : 'safe')
    expect(numbers.refused).toHaveLength(1_000)
    expect(numbers.refused[0]?.first).toBe(1)
    expect(countNumbers(numbers.refused)).toBeGreaterThanOrEqual(1_500)
  })
})
