import { describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'

describe('eventually', () => {
  it('resolves with the value of the first successful try', async () => {
    let tries = 0
    const value = await eventually(() => {
      tries += 1
      expect(tries).toBe(3)
      return `after ${tries}`
    })
    expect(value).toBe('after 3')
  })

  it('treats false as a condition that does not hold yet', async () => {
    let tries = 0
    await eventually(() => ++tries === 3)
    expect(tries).toBe(3)
  })

  it('fails with the last failure', async () => {
    const never = eventually(
      () => {
        throw new Error('still two left')
      },
      { timeoutMs: 50 },
    )
    await expect(never).rejects.toThrow(/did not hold within 50 ms \(\d+ tries\); the last failure: still two left/)
  })
})
