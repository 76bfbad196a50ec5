import { describe, expect, it } from 'vitest'
import { classifyAnswer } from './classify-answer.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
const classify = (status: number, body = '', headers: Readonly<Record<string, string>> = {}) =>
  classifyAnswer({ status, headers, body }, now)

describe('classifyAnswer', () => {
  it.each([400, 413, 422])('blames a contact for a %i', (status) => {
    expect(classify(status, '{"message":"no"}')).toEqual({
      blames: 'contact',
      reason: `the endpoint answered ${status}: no`,
      kind: `${status} no`,
      isConflict: false,
    })
  })

  it.each([401, 403])('says which secret to check after a %i', (status) => {
    const refusal = { cause: 'unauthorised', reason: expect.stringContaining('CRM_HTTP_SECRET') as unknown }
    expect(classify(status)).toMatchObject({ blames: 'account', refusal })
  })

  it.each([301, 302, 307, 308, 402, 404, 405, 410, 415])('says which address to check after a %i', (status) => {
    const refusal = { cause: 'misconfigured', reason: expect.stringContaining('CRM_HTTP_URL') as unknown }
    expect(classify(status, '<html>')).toMatchObject({ blames: 'account', refusal })
  })

  it.each([
    [429, '5', 5_000],
    [503, '5', 5_000],
    [503, 'Fri, 27 Nov 2026 12:01:00 GMT', 60_000],
    [429, '999999', 86_400_000],
    [429, undefined, 10_000],
    [429, 'soon', 10_000],
  ])('waits after a %i with Retry-After %j', (status, value, waitMs) => {
    const headers = value === undefined ? {} : { 'retry-after': value }
    expect(classify(status, '', headers)).toMatchObject({ refusal: { cause: 'limited', waitMs, maxWaitMs: waitMs } })
  })

  it.each([
    [500, true],
    [502, false],
    [503, false],
    [504, false],
    [408, false],
    [409, false],
    [425, false],
  ])('does not know what a %i means', (status, splits) => {
    expect(classify(status)).toEqual({ blames: 'unclear', reason: `the endpoint answered ${status}`, splits })
  })

  it('retries a call that may have arrived, and holds everything if the endpoint is unreachable', () => {
    const silence = (isSent: boolean) => classifyAnswer({ status: 'none', fault: 'ECONNRESET', isSent }, now)
    expect(silence(true)).toMatchObject({ blames: 'unclear' })
    expect(silence(false)).toMatchObject({
      refusal: { cause: 'down', reason: expect.stringContaining('CRM_HTTP_URL') as unknown },
    })
  })

  it.each([
    ['{"error":"no such campaign"}', ': no such campaign'],
    ['"no such campaign"', ': no such campaign'],
    ['no such\ncampaign', ': no such campaign'],
    ['{"detail":"anna@b.example is unknown"}', ': a…@b.example is unknown'],
    ['<html>no</html>', ''],
    ['[]', ''],
    ['null', ''],
  ])('takes the reason from %j', (body, reason) => {
    expect(classify(422, body)).toMatchObject({ reason: `the endpoint answered 422${reason}` })
  })

  it('finds refusals alike whose messages differ in the contact only', () => {
    const kinds = ['row 1: "Emma" <m1@b.example>', 'row 20: "Ann" <m2@b.example>'].map((message) => {
      const answerClass = classify(422, JSON.stringify({ message }))
      return answerClass.blames === 'contact' ? answerClass.kind : undefined
    })
    expect(new Set(kinds).size).toBe(1)
  })
})
