import type { Pause } from '@warmhook/schema/fold-timeline'

/** A pause's opening or closing, ready to be told. */
export interface Announcement {
  readonly kind: 'opened' | 'closed'
  readonly owner: string
  readonly campaignId: number
  readonly email: string | undefined
  readonly pause: Pause
}

const maxLines = 20

/** One message in Slack's mrkdwn for all announcements of a batch. */
export function describeNotices(announcements: readonly Announcement[]): string {
  const lines = announcements.slice(0, maxLines).map(describe)
  const more = announcements.length - lines.length
  return [...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n')
}

function describe({ kind, owner, campaignId, email, pause }: Announcement): string {
  const mailbox = `*${escape(email ?? `mailbox ${campaignId}`)}*${owner === 'default' ? '' : ` (${escape(owner)})`}`
  const reason = escape(pause.reason ?? 'no reason given')
  if (kind === 'opened') return `:double_vertical_bar: ${mailbox} is paused: ${reason}`
  const duration = describeDuration((pause.closed?.at ?? pause.openedAt) - pause.openedAt)
  const end = pause.closed?.type === 'campaign.deleted' ? 'was deleted' : 'works again'
  return `:arrow_forward: ${mailbox} ${end} after ${duration} (${reason})`
}

/** https://docs.slack.dev/messaging/formatting-message-text names these three characters. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function describeDuration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'less than a minute'
  const parts = { days: Math.floor(minutes / 1_440), hours: Math.floor(minutes / 60) % 24, minutes: minutes % 60 }
  return new Intl.DurationFormat('en', { style: 'short' }).format(parts)
}
