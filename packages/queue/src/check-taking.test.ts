import { expect, it } from 'vitest'
import { createTakingCheck } from './check-taking.ts'

const stuck = { waiting: 3, inProgress: 1, taken: 7 }

it('a worker with room that takes none of the waiting jobs for 15 s does not consume', () => {
  const takes = createTakingCheck(2)
  expect([0, 14_999, 15_000].map((at) => takes({ ...stuck, at }))).toEqual([true, true, false])
  expect(takes({ ...stuck, taken: 8, at: 16_000 })).toBe(true)
})

it.each([
  ['nothing waits', { ...stuck, waiting: 0 }],
  ['nobody knows what waits', { ...stuck, waiting: undefined }],
  ['it is full', { ...stuck, inProgress: 2 }],
])('a worker consumes while %s', (_name, sample) => {
  const takes = createTakingCheck(2)
  expect([0, 60_000].map((at) => takes({ ...sample, at }))).toEqual([true, true])
})
