import { defaultEndpoint } from '@warmhook/config/endpoints'
import { Secret } from '@warmhook/config/secret'
import { describe, expect, it } from 'vitest'
import { createRateLimit, createRateLimits } from './limit-rate.ts'

describe('createRateLimit', () => {
  it('allows a burst of two seconds, then the configured rate', () => {
    let ms = 0
    const limit = createRateLimit(10, () => ms)
    const takeAll = (): number => {
      let taken = 0
      while (limit.take() === 0) taken += 1
      return taken
    }
    expect(takeAll()).toBe(20)
    expect(limit.take()).toBeCloseTo(0.1)
    ms += 500
    expect(takeAll()).toBe(5)
    ms += 3_600_000
    expect(takeAll()).toBe(20)
  })

  it('has no limit at 0', () => {
    const limit = createRateLimit(0, () => 0)
    for (let count = 0; count < 1_000; count += 1) expect(limit.take()).toBe(0)
  })
})

describe('createRateLimits', () => {
  it('gives each endpoint its own limit, and always the same one', () => {
    const limitOf = createRateLimits(1, () => 0)
    const [first, second] = ['first', 'second'].map((name) => defaultEndpoint(new Secret(name)))
    if (first === undefined || second === undefined) throw new Error('there are two')
    expect([limitOf(first).take(), limitOf(first).take(), limitOf(first).take()]).toEqual([0, 0, 1])
    expect(limitOf(second).take()).toBe(0)
  })
})
