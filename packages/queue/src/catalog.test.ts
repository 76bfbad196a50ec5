import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from './catalog.ts'

const policy = {
  batchMax: 64,
  overlap: 'any batch' as const,
  attempts: 10,
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  timeoutMs: 1_000,
}

describe('backoffMs', () => {
  it('doubles', () => {
    expect([1, 2, 3, 4].map((attempt) => backoffMs(policy, attempt, () => 1))).toEqual([1_000, 2_000, 4_000, 8_000])
  })

  it('stays between half the delay and the maximum, however many attempts were made', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, random) => {
          const delay = backoffMs(policy, attempt, () => random)
          expect(delay).toBeGreaterThanOrEqual(500)
          expect(delay).toBeLessThanOrEqual(60_000)
        },
      ),
    )
  })
})
