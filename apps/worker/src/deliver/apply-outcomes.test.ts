import { discard, done, hold, retry, type Outcome } from '@warmhook/queue/outcome'
import { newEventJob } from '@warmhook/schema/event-job'
import { toEventRef } from '@warmhook/schema/event-ref'
import { describe, expect, it } from 'vitest'
import { applyOutcomes, dueEvents, nextDueAt } from './apply-outcomes.ts'

const now = 1_700_000_000_000
const policy = {
  batchMax: 100,
  overlap: 'any batch' as const,
  attempts: 3,
  firstDelayMs: 1_000,
  maxDelayMs: 8_000,
  timeoutMs: 5_000,
}
const terms = { policy, attemptsMade: 0, now, random: () => 0.5 }

const [first, second] = [1, 2].map((n) =>
  toEventRef({ id: `019aa5d0-1234-7000-8000-00000000000${n}`, owner: 'acme', campaignId: n }),
) as [ReturnType<typeof toEventRef>, ReturnType<typeof toEventRef>]

const apply = (outcome: Outcome, attempts = 0) => {
  const progress = attempts === 0 ? new Map() : new Map([[first.id, { attempts, notBefore: 0 }]])
  return applyOutcomes(
    { ...newEventJob([first]), progress },
    new Set([first.id]),
    new Map([[first.id, outcome]]),
    terms,
  )
}

describe('applyOutcomes', () => {
  it('ends what is done or discarded', () => {
    expect(apply(done('a note'))).toMatchObject({ records: [{ status: 'done', note: 'a note' }], left: { events: [] } })
    expect(apply(discard('bad'))).toMatchObject({
      records: [{ status: 'dead', note: 'bad', isAttempt: true }],
      left: { events: [], dead: [first] },
    })
  })

  it('holds an event until the time that is given, or else for 60 to 75 seconds, without counting an attempt', () => {
    const given = apply(hold('wait', now + 5), 2)
    expect(given.left.progress.get(first.id)).toEqual({ attempts: 2, notBefore: now + 5 })
    expect(given.records).toMatchObject([{ status: 'failing', isAttempt: false }])
    expect(apply(hold('wait')).left.progress.get(first.id)).toEqual({ attempts: 0, notBefore: now + 67_500 })
  })

  it('retries at the time that is given, or else after the backoff of the policy', () => {
    expect(apply(retry('no', now + 7)).left.progress.get(first.id)).toEqual({ attempts: 1, notBefore: now + 7 })
    expect(apply(retry('no')).left.progress.get(first.id)).toEqual({ attempts: 1, notBefore: now + 750 })
    expect(apply(retry('no'), 1).left.progress.get(first.id)).toEqual({ attempts: 2, notBefore: now + 1_500 })
  })

  it('gives an event up with the last attempt of the policy', () => {
    expect(apply(retry('no'), 2)).toMatchObject({ records: [{ status: 'dead' }], left: { events: [], dead: [first] } })
  })

  it('retries an event that the handler forgot, and leaves one alone that it was not given', () => {
    const job = newEventJob([first, second])
    const { records, left, reasons } = applyOutcomes(job, new Set([first.id]), new Map(), terms)
    expect(records).toMatchObject([{ eventId: first.id, status: 'failing' }])
    expect(left.events).toEqual([first, second])
    expect([...reasons]).toEqual([expect.stringContaining('no outcome')])
    expect(nextDueAt(left)).toBe(0)
    expect(dueEvents(left, now)).toEqual([second])
    expect(dueEvents(left, now + 750)).toEqual([first, second])
  })
})
