import { describe, expect, it } from 'vitest'
import { classifyAnswer } from './classify-answer.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
const classify = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  classifyAnswer({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }, now)

describe('classifyAnswer', () => {
  it.each([
    ['the daily limit', { policyName: 'DAILY' }, {}, 3_600_000],
    ['the limit per second', { policyName: 'SECONDLY' }, {}, 1_000],
    ['the rolling limit', { policyName: 'TEN_SECONDLY_ROLLING' }, {}, 10_000],
    ['an interval', {}, { 'x-hubspot-ratelimit-interval-milliseconds': '2500' }, 2_500],
    ['the longest interval', {}, { 'x-hubspot-ratelimit-interval-milliseconds': '3600000' }, 3_600_000],
    ['an interval that is too long', {}, { 'x-hubspot-ratelimit-interval-milliseconds': '3600001' }, 10_000],
    ['an interval of zero', {}, { 'x-hubspot-ratelimit-interval-milliseconds': '0' }, 10_000],
    ['seconds to wait', { policyName: 'DAILY' }, { 'retry-after': '5' }, 5_000],
  ])('waits after a 429 with %s', (_name, body, headers, waitMs) => {
    expect(classify(429, { errorType: 'RATE_LIMIT', ...body }, headers)).toMatchObject({
      blames: 'account',
      refusal: { cause: 'limited', waitMs, maxWaitMs: waitMs },
    })
  })

  it.each([
    [500, {}, { blames: 'unclear', splits: true }],
    [423, {}, { blames: 'unclear', splits: true }],
    [502, {}, { blames: 'unclear', splits: false }],
    [408, {}, { blames: 'unclear', splits: false }],
    [425, {}, { blames: 'unclear', splits: false }],
    [503, { 'retry-after': '4' }, { blames: 'account', refusal: { cause: 'limited', waitMs: 4_000 } }],
    [477, {}, { blames: 'account', refusal: { cause: 'limited', waitMs: 3_600_000 } }],
    [477, { 'retry-after': '60' }, { blames: 'account', refusal: { cause: 'limited', waitMs: 60_000 } }],
    [200, {}, { blames: 'account', refusal: { cause: 'misconfigured', waitMs: 1_000 } }],
    [
      401,
      {},
      {
        blames: 'account',
        refusal: { cause: 'unauthorised', reason: expect.stringContaining('HUBSPOT_ACCESS_TOKEN') },
      },
    ],
    [
      403,
      {},
      {
        blames: 'account',
        refusal: { cause: 'unauthorised', reason: expect.stringContaining('HUBSPOT_ACCESS_TOKEN') },
      },
    ],
    [
      404,
      {},
      { blames: 'account', refusal: { cause: 'misconfigured', reason: expect.stringContaining('HUBSPOT_BASE_URL') } },
    ],
    [
      301,
      {},
      { blames: 'account', refusal: { cause: 'misconfigured', reason: expect.stringContaining('HUBSPOT_BASE_URL') } },
    ],
  ] as const)('classifies a %i without rows or a problem', (status, headers, expected) => {
    expect(classify(status, '<html>nothing of HubSpot’s</html>', headers)).toMatchObject(expected)
  })

  it('blames the contact for a problem with it, even in a 200 answer', () => {
    const problem = {
      category: 'VALIDATION_ERROR',
      message: 'Email address x is invalid',
      errors: [{ code: 'INVALID_EMAIL' }],
    }
    for (const status of [200, 299, 400, 409, 413, 422])
      expect(classify(status, problem)).toMatchObject({
        blames: 'contact',
        kind: undefined,
        isConflict: status === 409,
      })
  })

  it('retries after a call that may have arrived, and holds the account’s events if HubSpot is unreachable', () => {
    const silence = (isSent: boolean) => classifyAnswer({ status: 'none', fault: 'ECONNRESET', isSent }, now)
    expect(silence(true)).toMatchObject({ blames: 'unclear', reason: expect.stringContaining('ECONNRESET') })
    expect(silence(false)).toMatchObject({ blames: 'account', refusal: { cause: 'down' } })
  })
})
