import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyTimeline, foldTimeline, type Timeline } from './fold-timeline.ts'
import { EventType, type MailboxEvent } from './mailbox-event.ts'

let next = 0

function event(type: EventType, reason?: string, profile = {}): MailboxEvent {
  next += 1
  return {
    id: `019a1b2c-0000-7000-8000-${String(next).padStart(12, '0')}`,
    source: 'mailivery',
    owner: 'acme',
    receivedAt: next * 1_000,
    type,
    campaignId: 1,
    ...(reason === undefined ? {} : { reason }),
    profile,
  }
}

const problem = (reason = 'Smtp Connection Error'): MailboxEvent => event('campaign.connection.problematic', reason)

describe('foldTimeline', () => {
  it('opens a pause with the first problem and closes it with the next update', () => {
    const [first, second, update] = [problem('A'), problem('B'), event('campaign.updated')]
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [first, second, update])
    expect(mailbox).toMatchObject({ status: 'active', statusSince: update.receivedAt, reason: null })
    expect(pauses).toEqual([
      {
        openedBy: first.id,
        openedAt: first.receivedAt,
        reason: 'B',
        reasons: ['A', 'B'],
        closed: { eventId: update.id, at: update.receivedAt, type: 'campaign.updated' },
      },
    ])
  })

  it('opens a second pause for a second problem with equal content', () => {
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [problem(), event('campaign.updated'), problem()])
    expect(pauses).toHaveLength(2)
    expect(pauses[1]?.closed).toBeNull()
    expect(mailbox?.status).toBe('paused')
  })

  it('keeps a pause open while the mailbox is pending', () => {
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [problem(), event('campaign.pending')])
    expect(mailbox).toMatchObject({ status: 'pending', reason: null })
    expect(pauses[0]?.closed).toBeNull()
  })

  it('keeps the time since a status was entered, and the latest reason', () => {
    const [first, second] = [problem('A'), problem('B')]
    const { mailbox } = foldTimeline(emptyTimeline, [first, second])
    expect(mailbox).toMatchObject({
      status: 'paused',
      statusSince: first.receivedAt,
      reason: 'B',
      lastEventId: second.id,
    })
  })

  it('keeps what later events do not mention', () => {
    const events = [
      event('campaign.created', undefined, { email: 'a@b.example', provider: 'gmail' }),
      event('campaign.updated', undefined, { email: 'c@d.example' }),
    ]
    expect(foldTimeline(emptyTimeline, events).mailbox?.profile).toEqual({ email: 'c@d.example', provider: 'gmail' })
  })

  it('gives the same timeline wherever the history is cut', () => {
    const histories = fc.array(
      fc.record({ type: fc.constantFrom(...EventType.options), reason: fc.constantFrom('A', 'B') }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(histories, fc.array(fc.nat(20)), (history, cuts) => {
        const events = history.map(({ type, reason }) =>
          event(type, type === 'campaign.connection.problematic' ? reason : undefined),
        )
        const whole = foldTimeline(emptyTimeline, events)
        const ends = [...new Set([...cuts, events.length])]
          .filter((cut) => cut <= events.length)
          .toSorted((a, b) => a - b)
        expect(foldInPieces(events, ends)).toEqual(whole)
      }),
    )
  })
})

function foldInPieces(events: readonly MailboxEvent[], ends: readonly number[]): Timeline {
  let timeline = emptyTimeline
  let start = 0
  for (const end of ends) {
    timeline = foldTimeline(timeline, events.slice(start, end))
    start = end
  }
  return timeline
}
