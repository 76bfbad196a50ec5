import { UnavailableError } from '@warmhook/queue/start-batch-worker'
import { expect, it } from 'vitest'
import { orUnavailable } from './or-unavailable.ts'

it('throws UnavailableError with the cause on failure, and returns the result on success', async () => {
  expect(await orUnavailable('database', async () => 7)).toBe(7)
  for (const [cause, words] of [
    [new Error('no connection'), 'no connection'],
    ['a text', 'a text'],
  ] as const) {
    const failure = orUnavailable('database', () => Promise.reject(cause as Error))
    await expect(failure).rejects.toBeInstanceOf(UnavailableError)
    await expect(failure).rejects.toMatchObject({ cause, message: expect.stringContaining(words) })
  }
})
