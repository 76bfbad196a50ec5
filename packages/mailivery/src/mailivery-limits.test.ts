import { describe, expect, it } from 'vitest'
import { readMailiveryLimits, readPauseMs } from './mailivery-limits.ts'

const now = 1_800_000_000_000

describe('readPauseMs', () => {
  it.each([
    [{ 'retry-after': '30' }, 30_000],
    [{ 'retry-after': new Date(now + 40_000).toUTCString() }, 40_000],
    [{ 'retry-after': '9999999' }, 3_600_000],
    [{ 'retry-after': '0' }, 1_000],
    [{ 'x-ratelimit-reset': '20' }, 20_000],
    [{ 'x-ratelimit-reset': String(now / 1_000 + 50) }, 50_000],
    [{ 'x-ratelimit-reset': String(now / 1_000 - 50) }, 1_000],
    [{ 'retry-after': '30', 'x-ratelimit-reset': '20' }, 30_000],
    [{ 'retry-after': 'soon', 'x-ratelimit-reset': '' }, undefined],
    [{}, undefined],
  ])('of %j is %s', (headers, pauseMs) => expect(readPauseMs(headers, now, 3_600_000)).toBe(pauseMs))
})

describe('readMailiveryLimits', () => {
  it.each([
    [{ 'x-ratelimit-limit': '240', 'x-ratelimit-remaining': '7' }, [{ window: 'minute', limit: 240, remaining: 7 }]],
    [{ 'x-ratelimit-limit': '60' }, [{ window: 'minute', limit: 60 }]],
    [
      { 'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '900' },
      [{ window: 'minute', limit: 240, remaining: 900 }],
    ],
    [{ 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0' }, []],
    [{ 'x-ratelimit-remaining': '0' }, []],
    [{ 'x-ratelimit-limit': 'many' }, []],
  ])('of %j is %j', (headers, limits) => expect(readMailiveryLimits(headers)).toEqual(limits))
})
