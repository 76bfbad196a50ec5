import { describe, expect, it } from 'vitest'
import { describeNotifications, type Announcement } from './describe-notifications.ts'

const openedAt = Date.UTC(2026, 0, 2, 3, 4, 59)
const minuteMs = 60_000

function announcement(
  changes: Partial<Announcement> & { readonly reason?: string; readonly closedAfterMs?: number } = {},
) {
  const { reason = 'Smtp', closedAfterMs, ...rest } = changes
  const closed =
    closedAfterMs === undefined
      ? null
      : {
          eventId: '00000000-0000-7000-8000-000000000002',
          at: openedAt + closedAfterMs,
          type: 'campaign.updated' as const,
        }
  const pause = { openedBy: '00000000-0000-7000-8000-000000000001', openedAt, reason, reasons: [reason], closed }
  return { kind: 'opened', owner: 'default', campaignId: 7, email: 'a@b.example', pause, ...rest } as Announcement
}

const durationOf = (ms: number): string | undefined =>
  /works again after (.*) \(/.exec(describeNotifications([announcement({ kind: 'closed', closedAfterMs: ms })]))?.[1]

describe('describeNotifications', () => {
  it('names the mailbox, the time and the reason', () => {
    expect(describeNotifications([announcement()])).toBe(
      `:double_vertical_bar: *a@b.example* has been paused since <!date^${openedAt / 1_000}^{date_short_pretty} {time}|2026-01-02 03:04 UTC>: Smtp`,
    )
    expect(describeNotifications([announcement({ email: undefined, owner: 'acme' })])).toContain('*mailbox 7* (acme)')
  })

  it.each([
    [0, 'less than a minute'],
    [minuteMs - 1, 'less than a minute'],
    [minuteMs, '1 min'],
    [59 * minuteMs, '59 min'],
    [60 * minuteMs, '1 hr'],
    [(23 * 60 + 59) * minuteMs, '23 hr, 59 min'],
    [24 * 60 * minuteMs, '1 day'],
    [(2 * 1_440 + 24 * 60 - 1) * minuteMs, '2 days, 23 hr, 59 min'],
  ])('gives a duration of %d ms as %s', (ms, words) => {
    expect(durationOf(ms)).toBe(words)
  })

  it('lists twenty, and counts the others', () => {
    const lines = (count: number) =>
      describeNotifications(Array.from({ length: count }, () => announcement())).split('\n')
    expect(lines(20)).toHaveLength(20)
    expect(lines(20).at(-1)).toContain('has been paused')
    expect(lines(21)).toHaveLength(21)
    expect(lines(21).at(-1)).toBe('… and 1 more')
  })

  it('cuts a reason of more than 200 characters', () => {
    const reasonOf = (length: number) => describeNotifications([announcement({ reason: 'x'.repeat(length) })])
    expect(reasonOf(200)).toMatch(/: x{200}$/)
    expect(reasonOf(201)).toMatch(/: x{200}…$/)
  })

  it('lets no text mention a channel or make a link', () => {
    const text = describeNotifications([announcement({ reason: '<!channel> & <https://b.example|a>\nnext' })])
    expect(text).toMatch(/: &lt;!channel&gt; &amp; &lt;https:\/\/b\.example\|a&gt; next$/)
  })

  it.each([
    ['campaign.deleted', 'was deleted'],
    ['campaign.created', 'works again'],
    // Mailivery also sends it for an edit.
    ['campaign.updated', 'was updated and probably works again'],
  ] as const)('says after a %s that a mailbox %s', (type, words) => {
    const proof = type === 'campaign.updated' ? 'presumed' : 'certain'
    const closed = { eventId: '00000000-0000-7000-8000-000000000002', at: openedAt, type, proof } as const
    const { pause } = announcement()
    const text = describeNotifications([{ ...announcement({ kind: 'closed' }), pause: { ...pause, closed } }])
    expect(text).toContain(`*a@b.example* ${words} after less than a minute`)
  })
})
