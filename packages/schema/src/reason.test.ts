import { describe, expect, it } from 'vitest'
import { classifyReason, reasonKind } from './reason.ts'

describe('classifyReason', () => {
  it.each([
    ['Smtp Connection Error', 'smtp_connection'],
    ['IMAP connection failed', 'imap_connection'],
    ['Smtp Authentication Error', 'authentication'],
    ['Invalid login: 535 5.7.8 Username and Password not accepted', 'authentication'],
    ['Refresh token expired', 'token_expired'],
    ['AADSTS50173: the grant has expired due to it being revoked', 'access_revoked'],
    ['oauth: invalid_grant (server unreachable)', 'token_expired'],
    ['AADSTS700082: expired due to inactivity', 'token_expired'],
    ['AADSTS50126: invalid username or password', 'authentication'],
    ['Daily sending limit exceeded', 'quota_or_limit'],
    ['Account suspended by provider', 'provider_block'],
    ['getaddrinfo ENOTFOUND mail.example', 'host_unreachable'],
    ['Something new', 'other'],
  ])('%s is %s', (reason, category) => {
    expect(classifyReason(reason)).toBe(category)
  })

  it('classifies a reason of any length quickly, by its beginning', () => {
    expect(classifyReason(`Smtp Error ${'x'.repeat(1_000_000)} token`)).toBe('smtp_connection')
  })
})

describe('reasonKind', () => {
  it('has a title and a next step for each category, also for an unknown one', () => {
    expect(reasonKind('access_revoked').title).toBe('access revoked')
    expect(reasonKind('of another version')).toEqual(reasonKind('other'))
  })
})
