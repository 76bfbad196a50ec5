import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naiveTimeline } from './fixtures/naive-timeline.ts'
import {
  emptyTimeline,
  foldTimeline,
  isFirmClosing,
  maxReasonLength,
  maxReasons,
  refoldTimeline,
  type Timeline,
} from './fold-timeline.ts'
import { EventType, MailboxStatus, statusOf, type MailboxEvent, type MailboxProfile } from './mailbox-event.ts'

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

const reading = (status: MailboxStatus): MailboxEvent => ({ ...event('mailbox.reconciled'), status })

describe('foldTimeline', () => {
  it('opens a pause with the first problem and closes it with the next update', () => {
    const [first, second, update] = [problem('A'), problem('B'), event('campaign.updated')]
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [first, second, update])
    expect(mailbox).toMatchObject({ status: 'active', statusSince: update.receivedAt, reason: null })
    expect(pauses).toEqual([
      {
        openedBy: first.id,
        openedAt: first.receivedAt,
        openedByType: 'campaign.connection.problematic',
        reason: 'B',
        reasons: ['A', 'B'],
        closed: { eventId: update.id, at: update.receivedAt, type: 'campaign.updated', proof: 'presumed' },
      },
    ])
  })

  it.each([
    ['paused', 'goes on as if it had never been closed'],
    ['active', 'is over'],
  ] as const)('after an update, a reading of a mailbox that is %s shows that its pause %s', (status, _what) => {
    const [first, update] = [problem('A'), event('campaign.updated')]
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [first, update, reading(status)])
    const closed = { eventId: update.id, proof: 'certain' }
    expect(pauses).toEqual([expect.objectContaining({ openedBy: first.id })])
    expect(pauses[0]).toMatchObject({ reason: 'A', closed: status === 'paused' ? null : closed })
    expect(mailbox).toMatchObject({ status, statusSince: (status === 'paused' ? first : update).receivedAt })
  })

  it('opens, closes and deletes by a reading', () => {
    const [opened, active, gone] = [reading('paused'), reading('active'), reading('deleted')]
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [opened, active, gone])
    expect(pauses).toMatchObject([
      { openedBy: opened.id, openedByType: 'mailbox.reconciled', closed: { eventId: active.id, proof: 'certain' } },
    ])
    expect(mailbox).toMatchObject({ status: 'deleted', statusSince: gone.receivedAt })
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

  it('keeps the time when a status began, and the latest reason', () => {
    const [first, second] = [problem('A'), problem('B')]
    const { mailbox } = foldTimeline(emptyTimeline, [first, second])
    expect(mailbox).toMatchObject({
      status: 'paused',
      statusSince: first.receivedAt,
      reason: 'B',
      lastEventId: second.id,
    })
  })

  it('keeps fields that later events do not contain', () => {
    const events = [
      event('campaign.created', undefined, { email: 'a@b.example', provider: 'gmail' }),
      event('campaign.updated', undefined, { email: 'c@d.example' }),
    ]
    expect(foldTimeline(emptyTimeline, events).mailbox?.profile).toEqual({ email: 'c@d.example', provider: 'gmail' })
  })

  it.each(['', ' ', 'nobody', '[email\u00a0protected]', 'a@ b.example'])(
    'keeps a known address if an event contains %j',
    (email) => {
      const events = [event('campaign.created', undefined, { email: 'a@b.example' })]
      expect(profileAfter(...events, event('campaign.updated', undefined, { email }))).toEqual({ email: 'a@b.example' })
    },
  )

  it('shows an invalid address until a valid one arrives', () => {
    const obfuscated = event('campaign.created', undefined, { email: '[email\u00a0protected]' })
    expect(profileAfter(obfuscated)).toEqual({ email: '[email\u00a0protected]' })
    expect(profileAfter(obfuscated, event('campaign.updated', undefined, { email: 'a@b.example' }))).toEqual({
      email: 'a@b.example',
    })
  })

  it('keeps known text if an event contains blank text, and reads an empty list of tags as no tags', () => {
    const known = { firstName: 'A', lastName: 'B', provider: 'smtp', meta: 'x=1', tags: ['t'] }
    const blank = { firstName: '', lastName: ' ', provider: '\t', meta: '', tags: [] }
    expect(
      profileAfter(event('campaign.created', undefined, known), event('campaign.updated', undefined, blank)),
    ).toEqual({ ...known, tags: [] })
    expect(foldTimeline(emptyTimeline, [problem('A'), problem(' ')])).toMatchObject({
      mailbox: { reason: 'A' },
      pauses: [{ reason: 'A', reasons: ['A'] }],
    })
  })

  it('keeps a deleted campaign deleted, whatever else is sent for it', () => {
    const [deleted, ...others] = [
      event('campaign.deleted', undefined, { email: 'a@b.example' }),
      event('campaign.updated', undefined, { email: 'c@d.example' }),
      problem(),
      event('campaign.deleted'),
    ]
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [deleted, ...others])
    expect(pauses).toEqual([])
    expect(mailbox).toEqual({
      status: 'deleted',
      statusSince: deleted.receivedAt,
      reason: null,
      profile: { email: 'a@b.example' },
      lastEventId: others.at(-1)?.id,
      lastEventAt: others.at(-1)?.receivedAt,
    })
  })

  it.each(['campaign.created', 'campaign.pending'] as const)('revives a deleted campaign with %s', (type) => {
    const { mailbox, pauses } = foldTimeline(emptyTimeline, [event('campaign.deleted'), event(type), problem()])
    expect(mailbox?.status).toBe('paused')
    expect(pauses).toHaveLength(1)
  })

  it('limits the reasons that a pause lists, and keeps the latest one in full', () => {
    const long = 'x'.repeat(100_000)
    const events = Array.from({ length: 300 }, (_, index) => problem(`${index} ${long}`))
    const [pause] = foldTimeline(emptyTimeline, events).pauses
    expect(pause?.reason).toBe(`299 ${long}`)
    expect(pause?.reasons).toHaveLength(maxReasons)
    expect(pause?.reasons.map((reason) => reason.length)).toEqual(Array.from({ length: 100 }, () => maxReasonLength))
    const inPieces = foldInPieces(
      events,
      events.map((_, index) => index + 1),
    )
    expect(inPieces.pauses).toEqual([pause])
  })

  it('applies the rules to the whole history, however it is split', () => {
    fc.assert(
      fc.property(histories, fc.array(fc.nat(20)), (history, cuts) => {
        const events = toEvents(history)
        const ends = [...new Set([...cuts, events.length])]
          .filter((cut) => cut <= events.length)
          .toSorted((a, b) => a - b)
        expect(foldInPieces(events, ends)).toEqual(naiveTimeline(events))
      }),
      { numRuns: 300 },
    )
  })
})

describe('refoldTimeline', () => {
  it('applies the rules to all events that have arrived, in whatever order and pieces', () => {
    fc.assert(
      fc.property(histories, fc.gen(), (history, gen) => {
        const events = toEvents(history)
        const arriving: readonly MailboxEvent[] = gen(fc.shuffledSubarray, events, {
          minLength: events.length,
          maxLength: events.length,
        })
        const size = gen(fc.integer, { min: 1, max: 5 })
        let [timeline, known]: [Timeline, readonly MailboxEvent[]] = [emptyTimeline, []]
        for (let start = 0; start < arriving.length; start += size) {
          const news = inOrder(arriving.slice(start, start + size))
          known = inOrder([...known, ...news])
          timeline = withNews(timeline, news, known)
          expect(timeline).toEqual(naiveTimeline(known))
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Folds new events as the store does, which also keeps closed pauses. */
function withNews(from: Timeline, news: readonly MailboxEvent[], known: readonly MailboxEvent[]): Timeline {
  const [first] = news
  if (first === undefined) return from
  if (first.id > (from.mailbox?.lastEventId ?? '')) return foldTimeline(from, news)
  const before = known.filter(({ id }) => id < first.id)
  const closing = before.findLast(isFirmClosing)
  const recent = known.filter(({ id }) => closing === undefined || id >= closing.id)
  const life = before
    .filter(({ id }) => closing !== undefined && id < closing.id)
    .findLast(({ type }) => type !== 'campaign.updated' && type !== 'campaign.connection.problematic')
  const isGone = life !== undefined && statusOf(life) === 'deleted'
  const history = isGone ? [{ ...life, profile: {} }, ...recent] : recent
  const refolded = refoldTimeline(from, history, closing === undefined) ?? refoldTimeline(from, known, true)
  if (refolded === undefined) throw new Error('a whole history decides')
  const since = closing?.id ?? ''
  const older = from.pauses.filter(({ openedBy }) => openedBy < since)
  return { ...refolded, pauses: [...older, ...refolded.pauses.filter(({ openedBy }) => openedBy >= since)] }
}

function inOrder(events: readonly MailboxEvent[]): readonly MailboxEvent[] {
  return events.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function toEvents(history: readonly HistoryEntry[]): MailboxEvent[] {
  return history.map(({ type, reason, status, profile }) => ({
    ...event(type, type === 'campaign.connection.problematic' ? reason : undefined, profile),
    ...(type === 'mailbox.reconciled' ? { status } : {}),
  }))
}

interface HistoryEntry {
  readonly type: EventType
  readonly reason: string | undefined
  readonly status: MailboxStatus
  readonly profile: MailboxProfile
}

const histories: fc.Arbitrary<readonly HistoryEntry[]> = fc.array(
  fc.record({
    type: fc.constantFrom(...EventType.options),
    reason: fc.constantFrom('A', 'B', ' ', undefined),
    status: fc.constantFrom(...MailboxStatus.options),
    profile: fc.record(
      {
        email: fc.constantFrom('a@b.example', 'c@d.example', '[email\u00a0protected]', 'nobody', ''),
        firstName: fc.constantFrom('A', 'B', ' '),
        tags: fc.constantFrom(['t'], ['u', 'v'], []),
      },
      { requiredKeys: [] },
    ),
  }),
  { maxLength: 20 },
)

function profileAfter(...events: readonly MailboxEvent[]): MailboxProfile | undefined {
  return foldTimeline(emptyTimeline, events).mailbox?.profile
}

function foldInPieces(events: readonly MailboxEvent[], ends: readonly number[]): Timeline {
  let timeline = emptyTimeline
  let start = 0
  for (const end of ends) {
    timeline = foldTimeline(timeline, events.slice(start, end))
    start = end
  }
  return timeline
}
