import { expect, it } from 'vitest'
import { createTakingCheck } from './check-taking.ts'

const stuck = { waiting: 3, inProgress: 1, taken: 7 }

it('a worker with free capacity that takes none of the waiting jobs for 15 s is not consuming', () => {
  const takes = createTakingCheck(2)
  expect([0, 14_999, 15_000].map((at) => takes({ ...stuck, at }))).toEqual([true, true, false])
  expect(takes({ ...stuck, taken: 8, at: 16_000 })).toBe(true)
})

it.each([
  ['no jobs are waiting', { ...stuck, waiting: 0 }],
  ['the number of waiting jobs is unknown', { ...stuck, waiting: undefined }],
  ['it has no free capacity', { ...stuck, inProgress: 2 }],
])('a worker is consuming while %s', (_name, sample) => {
  const takes = createTakingCheck(2)
  expect([0, 60_000].map((at) => takes({ ...sample, at }))).toEqual([true, true])
})
