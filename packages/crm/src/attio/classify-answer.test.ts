import { describe, expect, it } from 'vitest'
import { classifyAnswer, isRecordMissing } from './classify-answer.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
type Headers = Readonly<Record<string, string>>
const answer = (status: number, body: unknown, headers: Headers = {}) => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const classify = (status: number, body: unknown, headers: Headers = {}) =>
  classifyAnswer(answer(status, body, headers), now)
const fault = (code: string, message = 'no', type = 'invalid_request_error') => ({
  status_code: 400,
  type,
  code,
  message,
})
const containing = (text: string) => expect.stringContaining(text) as unknown

describe('classifyAnswer', () => {
  it.each([
    ['an HTTP date', 'Fri, 27 Nov 2026 12:00:04 GMT', 4_000],
    ['an HTTP date of this second', 'Fri, 27 Nov 2026 12:00:00 GMT', 1_000],
    ['seconds', '7', 7_000],
    ['nothing', undefined, 1_000],
    ['a word', 'soon', 1_000],
  ])('waits after a 429 with %s in Retry-After', (_what, value, waitMs) => {
    const headers = value === undefined ? undefined : { 'retry-after': value }
    for (const body of [fault('rate_limit_exceeded', 'later', 'rate_limit_error'), '<html>slow down</html>'])
      expect(classify(429, body, headers)).toMatchObject({
        blames: 'account',
        refusal: { cause: 'limited', waitMs, maxWaitMs: waitMs },
      })
  })

  it.each([
    [400, fault('value_not_found', 'Cannot find attribute with slug/ID "mailivery_tags".')],
    [400, fault('unknown_filter_attribute_slug', 'Unknown attribute slug: email_addresses.')],
    [400, fault('unknown_attribute')],
    [400, fault('value_not_found', 'No attribute was found for matching_attribute slug/ID "email_addresses".')],
    [400, fault('matching_attribute_definition_not_unique', 'The matching attribute is not unique.')],
    [400, fault('immutable_value', 'Cannot write this value.')],
    [404, fault('not_found', 'Attribute with slug/ID "mailivery_tags" not found.')],
    [
      400,
      {
        ...fault('validation_type', 'Body payload validation error.'),
        validation_errors: [{ code: 'unknown_attribute', message: 'no such attribute', path: ['data', 'values'] }],
      },
    ],
  ])('names the commands for attributes after a %i with %j', (status, body) => {
    expect(classify(status, body)).toMatchObject({
      blames: 'account',
      refusal: { cause: 'misconfigured', waitMs: 60_000, reason: containing('warmhook crm apply') },
    })
  })

  it.each([
    [400, fault('value_not_found', 'Cannot find select attribute with select option title "In Progress".')],
    [400, fault('validation_type', 'An invalid value was passed to attribute with slug "mailivery_tags".')],
    [400, fault('missing_value', 'Required value for attribute with ID "41252299" was not provided.')],
    [400, fault('filter_error', 'Error in filter.')],
    [413, fault('content_too_large')],
    [422, fault('validation_type')],
  ])('blames the contact after a %i with %j, unless many are rejected alike', (status, body) => {
    expect(classify(status, body)).toMatchObject({
      blames: 'contact',
      kind: containing(body.code),
      isConflict: false,
      reason: containing(body.message),
    })
  })

  it.each([
    [400, fault('multiple_match_results', 'Several records match'), false],
    [400, fault('uniqueness_conflict', 'The value conflicts with one already in the system'), true],
    [409, fault('uniqueness_conflict', 'The value conflicts with one already in the system'), true],
    [400, fault('validation_type', 'An invalid value was passed to attribute with slug "email_addresses".'), false],
  ])('blames the contact alone after a %i with %j', (status, body, isConflict) => {
    expect(classify(status, body)).toMatchObject({ blames: 'contact', kind: undefined, isConflict })
  })

  it('gives rejections of different contacts for one reason the same kind', () => {
    const kinds = ['a@b.example', 'c@d.example'].map((email) => {
      const answerClass = classify(400, fault('validation_type', `"${email}" of ${email} has 17 values`))
      return answerClass.blames === 'contact' ? answerClass.kind : undefined
    })
    expect(kinds[0]).toBeDefined()
    expect(kinds[1]).toBe(kinds[0])
  })

  it('does not mistake the text of a contact for that of Attio', () => {
    const body = fault('validation_type', 'The value "Cannot find attribute with slug" of the tag is invalid.')
    expect(classify(400, body)).toMatchObject({ blames: 'contact' })
  })

  it.each([
    [401, fault('unauthorized', 'no', 'auth_error')],
    [401, 'not JSON'],
    [403, fault('missing_scope', 'no', 'auth_error')],
    [403, fault('forbidden')],
    [402, fault('billing_error')],
    [400, fault('quota_exceeded')],
  ])('does not accept the token after a %i with %j', (status, body) => {
    expect(classify(status, body)).toMatchObject({
      blames: 'account',
      refusal: { cause: 'unauthorised', reason: containing('ATTIO_API_KEY') },
    })
  })

  it.each([
    [404, fault('not_found', 'Object with slug/ID "people" not found.'), 60_000],
    [404, '<html>no such page</html>', 60_000],
    [403, '<html>blocked</html>', 60_000],
    [400, '<html>bad</html>', 60_000],
    [301, '', 60_000],
    [405, fault('method_not_allowed'), 60_000],
    [200, '', 1_000],
    [200, '<html></html>', 1_000],
    [204, '', 1_000],
    [200, { data: [] }, 1_000],
  ])('blames the account, not a contact, after a %i with %j', (status, body, waitMs) => {
    expect(classify(status, body)).toMatchObject({
      blames: 'account',
      refusal: { cause: 'misconfigured', waitMs, reason: containing('ATTIO_BASE_URL') },
    })
  })

  it.each([
    [500, 'oops'],
    [502, '<html></html>'],
    [503, fault('internal')],
    [408, ''],
    [425, ''],
    [404, fault('not_found', 'Record with ID "891dcbfc" not found.')],
    [404, fault('merge_in_progress', 'The record is being merged.')],
  ])('does not know whom to blame after a %i with %j', (status, body) => {
    expect(classify(status, body)).toMatchObject({ blames: 'unclear', splits: false })
  })

  it('waits for as long as a 503 asks', () => {
    expect(classify(503, '', { 'retry-after': '4' })).toMatchObject({ refusal: { cause: 'limited', waitMs: 4_000 } })
  })

  it('retries after a call that may have arrived, and holds the account’s events if Attio is unreachable', () => {
    const silence = (isSent: boolean) => classifyAnswer({ status: 'none', fault: 'ECONNRESET', isSent }, now)
    expect(silence(true)).toMatchObject({ blames: 'unclear', reason: containing('ECONNRESET') })
    expect(silence(false)).toMatchObject({ blames: 'account', refusal: { cause: 'down' } })
  })
})

describe('isRecordMissing', () => {
  it.each([
    [404, 'Record with ID "891dcbfc" not found.', true],
    [404, 'Object with slug/ID "people" not found.', false],
    [400, 'Record with ID "891dcbfc" not found.', false],
  ])('a %i with %j: %s', (status, message, expected) => {
    expect(isRecordMissing(answer(status, fault('not_found', message)))).toBe(expected)
  })
})
