import { describe, expect, it } from 'vitest'
import { Time, wholeNumber } from './inputs.ts'
import { z } from '@hono/zod-openapi'

describe('Time', () => {
  it.each([
    ['2026-11-26', '2026-11-26T00:00:00.000Z'],
    ['2026-11-26T10:00:00Z', '2026-11-26T10:00:00.000Z'],
    ['2026-11-26T10:00:00.123456Z', '2026-11-26T10:00:00.123Z'],
    ['2026-11-26T10:00:00+02:00', '2026-11-26T08:00:00.000Z'],
    ['2026-11-26T10:00:00+0200', '2026-11-26T08:00:00.000Z'],
    ['2026-11-26T10:00:00-05:30', '2026-11-26T15:30:00.000Z'],
    ['2026-11-26T10:00+02:00', '2026-11-26T08:00:00.000Z'],
    // An unescaped plus sign.
    ['2026-11-26T10:00:00 02:00', '2026-11-26T08:00:00.000Z'],
    ['2026-11-26t10:00:00z', '2026-11-26T10:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(Time.parse(text)).toBe(iso)
  })

  it.each(['', 'yesterday', '2026-02-30', '2026-11-26T10:00:00', '2026-11-26T25:00:00Z', '2026-11-26T10:00:00+25:00'])(
    'rejects %j, and gives an example',
    (text) => {
      expect(Time.safeParse(text).error?.issues[0]?.message).toContain('2026-11-26T12:00:00+02:00')
    },
  )
})

describe('wholeNumber', () => {
  it.each(['', ' ', '0x10', '1e3', '-1', '1.5', '201', 'NaN', '99999999999999999999'])('rejects %j', (text) => {
    expect(wholeNumber(z.int().max(200)).safeParse(text).success).toBe(false)
  })

  it('reads digits', () => {
    expect(wholeNumber(z.int().max(200)).parse('0200')).toBe(200)
  })
})
