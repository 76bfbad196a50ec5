import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isUnnumberedJobId, parseIntakeJobId, toIntakeJobId, toReplayJobId } from './intake-range.ts'

const epoch = '0123456789abcdef'

describe('parseIntakeJobId', () => {
  it.each([
    [1, 1],
    [65, 128],
    [1_000_000_000_000, 1_000_000_000_255],
  ])('reads back the numbers %i to %i', (first, last) => {
    expect(parseIntakeJobId(toIntakeJobId({ epoch, first, last }))).toEqual({ epoch, first, last })
  })

  it.each([randomUUID(), toReplayJobId(randomUUID()), `${epoch}-0-1`, `${epoch}-1-0`, `${epoch}-1-1-1`, '', '17'])(
    'does not read %s as a range',
    (id) => expect(parseIntakeJobId(id)).toBeUndefined(),
  )
})

describe('isUnnumberedJobId', () => {
  it('distinguishes UUIDs from other ids', () => {
    expect(isUnnumberedJobId(randomUUID())).toBe(true)
    for (const id of ['17', '', toReplayJobId(randomUUID()), toIntakeJobId({ epoch, first: 1, last: 1 })])
      expect(isUnnumberedJobId(id)).toBe(false)
  })
})
