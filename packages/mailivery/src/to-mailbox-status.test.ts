import { describe, expect, it } from 'vitest'
import { toMailboxStatus } from './to-mailbox-status.ts'

describe('toMailboxStatus', () => {
  it.each([
    ['active', 'active'],
    [' Paused\n', 'paused'],
    ['PENDING', 'pending'],
  ])('reads %j', (code, status) => expect(toMailboxStatus(code)).toBe(status))

  it.each([null, '', 'deleted', 'activated', 'un-paused', '1', 'warming', 'active paused'])(
    'guesses nothing from %j',
    (code) => expect(toMailboxStatus(code)).toBeUndefined(),
  )
})
