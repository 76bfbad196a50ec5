import { describe, expect, it } from 'vitest'
import { readPipedriveLimits } from './read-pipedrive-limits.ts'

describe('readPipedriveLimits', () => {
  it('reads the burst limit and the day’s tokens', () => {
    const headers = {
      'x-ratelimit-limit': '100',
      'x-ratelimit-remaining': '98',
      'x-ratelimit-reset': '2',
      'x-daily-ratelimit-token-limit': '150000',
      'x-daily-ratelimit-token-remaining': '149980',
      'x-daily-requests-left': '9000',
    }
    expect(readPipedriveLimits(headers)).toEqual([
      { window: 'burst', limit: 100, remaining: 98 },
      { window: 'day', limit: 150_000, remaining: 149_980 },
    ])
  })

  it('takes a limit below that of every plan for the one of searches', () => {
    expect(readPipedriveLimits({ 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '9' })).toEqual([
      { window: 'search', limit: 10, remaining: 9 },
    ])
  })

  it('ignores headers that are absent or unreadable', () => {
    expect(readPipedriveLimits({})).toEqual([])
    expect(readPipedriveLimits({ 'x-ratelimit-limit': 'many', 'x-daily-ratelimit-token-limit': '-1' })).toEqual([])
    expect(readPipedriveLimits({ 'x-ratelimit-limit': '0', 'x-ratelimit-remaining': '0' })).toEqual([])
    expect(readPipedriveLimits({ 'x-daily-ratelimit-token-remaining': '7' })).toEqual([{ window: 'day', remaining: 7 }])
  })
})
