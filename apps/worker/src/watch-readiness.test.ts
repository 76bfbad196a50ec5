import type { BatchWorker } from '@warmhook/queue/start-batch-worker'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchReadiness, type Readiness } from './watch-readiness.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const answers = (): Promise<void> => Promise.resolve()
const hangs = (): Promise<void> => new Promise(() => undefined)
const worker = (queueName: string, isConsuming: boolean): BatchWorker => ({
  queueName,
  isConsuming,
  [Symbol.asyncDispose]: () => Promise.resolve(),
})

function watch(postgres: () => Promise<unknown>, workers: readonly BatchWorker[] = []): Readiness {
  const needs = { Redis: answers, Postgres: postgres }
  return watchReadiness({ needs, workers: () => workers, now: () => performance.now() })
}

describe('watchReadiness', () => {
  it('is ready once everything has answered', async () => {
    using readiness = watch(answers)
    expect(readiness.blockedBy()).toBe('Redis and Postgres unreachable')
    await vi.advanceTimersByTimeAsync(0)
    expect(readiness.blockedBy()).toBeUndefined()
  })

  it('names services that have failed or hung for 15 s', async () => {
    for (const failure of [hangs, () => Promise.reject(new Error('no'))]) {
      let question = answers
      using readiness = watch(() => question())
      await vi.advanceTimersByTimeAsync(5_000)
      question = failure
      await vi.advanceTimersByTimeAsync(14_999)
      expect(readiness.blockedBy()).toBeUndefined()
      await vi.advanceTimersByTimeAsync(1)
      expect(readiness.blockedBy()).toBe('Postgres unreachable')
      question = answers
      await vi.advanceTimersByTimeAsync(5_000)
      expect(readiness.blockedBy()).toBeUndefined()
    }
  })

  it('names the queues that are not consumed', async () => {
    using readiness = watch(answers, [worker('intake', true), worker('notify', false)])
    await vi.advanceTimersByTimeAsync(0)
    expect(readiness.blockedBy()).toBe('no progress in notify although jobs wait')
  })
})
