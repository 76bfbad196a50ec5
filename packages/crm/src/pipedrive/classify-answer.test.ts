import { describe, expect, it } from 'vitest'
import { classifyAnswer } from './classify-answer.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
type Headers = Readonly<Record<string, string>>
const classify = (status: number, body: unknown, headers: Headers = {}, at = now) =>
  classifyAnswer({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }, at)

const failure = (error: string, more: object = {}) => ({
  success: false,
  error,
  error_info: 'Please check developers.pipedrive.com for more information about Pipedrive API.',
  data: null,
  additional_data: null,
  ...more,
})
const account = (cause: string, reason = '') => ({
  blames: 'account',
  refusal: { cause, reason: expect.stringContaining(reason) as unknown },
})
const page = '<!DOCTYPE html><html><title>Access denied</title>This error is produced by Cloudflare</html>'
const code = '3b71d5b6cea10e23f3f433d248add2020d4aff2e'

describe('classifyAnswer', () => {
  it.each<[string, Headers, number]>([
    ['seconds to wait', { 'retry-after': '7' }, 7_000],
    ['a date to wait for', { 'retry-after': 'Fri, 27 Nov 2026 12:00:30 GMT' }, 30_000],
    ['the seconds that the window still has', { 'x-ratelimit-reset': '2' }, 2_000],
    ['a window that ends now', { 'x-ratelimit-reset': '0' }, 2_000],
    ['a window that is almost over', { 'x-ratelimit-reset': '0.2' }, 1_000],
    ['a time instead of seconds', { 'x-ratelimit-reset': '1795780800' }, 2_000],
    ['an unreadable window', { 'x-ratelimit-reset': 'soon' }, 2_000],
    ['seconds to wait and a window', { 'retry-after': '7', 'x-ratelimit-reset': '2' }, 7_000],
    ['nothing', {}, 2_000],
    ['tokens left for the day', { 'x-daily-ratelimit-token-remaining': '12' }, 2_000],
    ['no tokens left for the day', { 'x-daily-ratelimit-token-remaining': '0', 'x-ratelimit-reset': '2' }, 3_600_000],
    ['an overdrawn day', { 'x-daily-ratelimit-token-remaining': '-3', 'retry-after': '1' }, 3_600_000],
  ])('waits after a 429 with %s', (_name, headers, waitMs) => {
    expect(classify(429, failure('request over limit'), headers)).toMatchObject({
      blames: 'account',
      refusal: { cause: 'limited', waitMs, maxWaitMs: waitMs },
    })
  })

  it('waits until tomorrow for the daily budget, also if only the message says so', () => {
    const evening = Date.parse('2026-11-27T23:50:00Z')
    const used = failure('Daily API token budget exceeded')
    expect(classify(429, used, {}, evening)).toMatchObject({ refusal: { cause: 'limited', waitMs: 600_000 } })
    expect(classify(429, page)).toMatchObject({ refusal: { cause: 'limited', waitMs: 2_000 } })
  })

  it.each<[string, number, unknown, Headers, object]>([
    ['a validation error', 400, failure('Validation failed: name: is required'), {}, { blames: 'contact' }],
    ['an error of the old kind', 400, failure('Bad request'), {}, { blames: 'contact', isConflict: false }],
    ['a conflict', 409, failure('exists'), {}, { blames: 'contact', isConflict: true }],
    ['an entity that can’t be processed', 422, failure('no'), {}, { blames: 'contact' }],
    ['a body that is too large', 413, failure('too large'), {}, { blames: 'contact' }],
    ['a success that is a failure', 200, failure('no'), {}, { blames: 'contact' }],
    ['an unknown field', 400, failure(`Parameter '${code}' is not allowed`), {}, account('misconfigured', 'crm apply')],
    ['a wrong value of a known field', 400, failure(`custom_fields.${code}: too long`), {}, { blames: 'contact' }],
    ['a token that is not accepted', 401, failure('unauthorized access'), {}, account('unauthorised', 'API_TOKEN')],
    ['a message of the gateway', 401, { success: false, errorCode: 401, message: 'x' }, {}, account('unauthorised')],
    ['an account that is not open', 402, failure('trial expired'), {}, account('unauthorised', 'trial expired')],
    ['a missing permission', 403, failure('Scope and URL mismatch'), {}, account('unauthorised', 'permissions')],
    [
      'a limit of the plan',
      403,
      failure("Couldn't add the field. Limit reached.", { code: 'feature_capping_custom_fields_limit' }),
      {},
      account('misconfigured', 'upgrade the plan'),
    ],
    ['an unknown path', 404, failure('Unknown method .'), {}, account('misconfigured', 'PIPEDRIVE_BASE_URL')],
    ['a page instead of an API', 404, page, {}, account('misconfigured', 'PIPEDRIVE_BASE_URL')],
    ['another API', 404, { message: 'no' }, {}, account('misconfigured', 'JSON that is not from Pipedrive')],
    ['a redirection', 301, '', {}, account('misconfigured', 'PIPEDRIVE_BASE_URL')],
    ['a wrong method', 405, failure('Method not allowed'), {}, account('misconfigured')],
    ['an API that is gone', 410, failure('Gone'), {}, account('misconfigured')],
    ['a feature that is off', 415, failure('Feature is not enabled'), {}, account('misconfigured')],
    ['a function that does not exist', 501, failure('Not Implemented'), {}, account('misconfigured')],
    ['a proxy’s page', 400, page, {}, account('misconfigured')],
    ['an error of Pipedrive', 500, failure('Internal Server Error'), {}, { blames: 'unclear' }],
    ['a proxy’s error', 502, page, {}, { blames: 'unclear' }],
    ['maintenance', 503, failure('Scheduled maintenance'), {}, { blames: 'unclear' }],
    ['announced maintenance', 503, page, { 'retry-after': '120' }, { refusal: { cause: 'limited', waitMs: 120_000 } }],
    ['a time-out', 504, '', {}, { blames: 'unclear' }],
    ['a slow request', 408, '', {}, { blames: 'unclear' }],
    ['an early request', 425, '', {}, { blames: 'unclear' }],
    ['an empty success', 200, '', {}, { refusal: { cause: 'misconfigured', waitMs: 1_000 } }],
    ['a page of success', 200, page, {}, { refusal: { cause: 'misconfigured', waitMs: 1_000 } }],
    ['another API’s success', 200, { ok: true }, {}, { refusal: { cause: 'misconfigured', waitMs: 1_000 } }],
    ['no content', 204, '', {}, { refusal: { cause: 'misconfigured', waitMs: 1_000 } }],
  ])('classifies %s (%i)', (_name, status, body, headers, expected) => {
    expect(classify(status, body, headers)).toMatchObject(expected)
  })

  it.each<[Headers, number]>([
    [{}, 60_000],
    [{ 'retry-after': '5' }, 60_000],
    [{ 'retry-after': '900' }, 900_000],
  ])('takes a 403 with a page for a rate limit and waits at least a minute (%j)', (headers, waitMs) => {
    for (const body of [page, '', 'error code: 1015'])
      expect(classify(403, body, headers)).toMatchObject({ refusal: { cause: 'limited', waitMs } })
  })

  it('quotes Pipedrive’s message without addresses and pointers to the documentation', () => {
    const body = failure('"Emma@B.example" is invalid', { error_info: 'at\nemails', code: 'ERR_SCHEMA' })
    const reason = 'Pipedrive answered 400: ERR_SCHEMA: "E…@B.example" is invalid; at emails'
    expect(classify(400, body)).toMatchObject({ blames: 'contact', reason })
    expect(classify(400, failure('Bad request'))).toMatchObject({ reason: 'Pipedrive answered 400: Bad request' })
    const long = classify(400, failure('x'.repeat(9_000)))
    expect('reason' in long && long.reason.length).toBeLessThan(350)
  })

  it('recognises the same problem of different contacts, unless it is about their addresses', () => {
    const kindOf = (error: string) => {
      const answerClass = classify(400, failure(error))
      return answerClass.blames === 'contact' ? answerClass.kind : 'not a contact'
    }
    expect(kindOf('owner "Emma" of 12 is inactive')).toBe(kindOf('owner "Jim" of 7 is inactive'))
    expect(kindOf('owner 12 is inactive')).not.toBe(kindOf('organisation 12 is inactive'))
    expect(kindOf('email is invalid')).toBeUndefined()
  })

  it('retries after a call that may have arrived, and holds the account’s events if Pipedrive is unreachable', () => {
    const silence = (isSent: boolean) => classifyAnswer({ status: 'none', fault: 'ECONNRESET', isSent }, now)
    expect(silence(true)).toMatchObject({ blames: 'unclear', reason: expect.stringContaining('ECONNRESET') as unknown })
    expect(silence(false)).toMatchObject({ blames: 'account', refusal: { cause: 'down' } })
    expect(classifyAnswer({ status: 'over budget', waitMs: 9 }, now)).toEqual({ blames: 'budget', waitMs: 9 })
  })
})
