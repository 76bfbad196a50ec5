import { describe, expect, it } from 'vitest'
import { classifyReason } from './reason.ts'

describe('classifyReason', () => {
  it.each([
    ['Smtp Connection Error', 'smtp_connection'],
    ['IMAP connection failed', 'imap_connection'],
    ['Smtp Authentication Error', 'authentication'],
    ['Invalid login: 535 5.7.8 Username and Password not accepted', 'authentication'],
    ['Refresh token expired', 'token_expired'],
    ['Daily sending limit exceeded', 'quota_or_limit'],
    ['Account suspended by provider', 'provider_block'],
    ['getaddrinfo ENOTFOUND mail.example', 'host_unreachable'],
    ['Something new', 'other'],
  ])('%s is %s', (reason, category) => {
    expect(classifyReason(reason)).toBe(category)
  })
})
