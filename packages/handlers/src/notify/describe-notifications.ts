import type { Pause } from '@warmhook/schema/fold-timeline'
import { toSlackText } from './to-slack-text.ts'

/** The content of an announcement that a pause has opened or closed. */
export interface Announcement {
  readonly kind: 'opened' | 'closed'
  readonly owner: string
  readonly campaignId: number
  readonly email: string | undefined
  readonly pause: Pause
}

const maxLines = 20

/** Renders all announcements of a batch as one message in Slack's mrkdwn. */
export function describeNotifications(announcements: readonly Announcement[]): string {
  const lines = announcements.slice(0, maxLines).map(describe)
  const more = announcements.length - lines.length
  return [...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n')
}

function describe({ kind, owner, campaignId, email, pause }: Announcement): string {
  const mailbox = `*${toSlackText(email ?? `mailbox ${campaignId}`)}*${owner === 'default' ? '' : ` (${toSlackText(owner)})`}`
  const reason = toSlackText(pause.reason ?? 'no reason given')
  if (kind === 'opened')
    return `:double_vertical_bar: ${mailbox} has been paused since ${describeTime(pause.openedAt)}: ${reason}`
  const duration = describeDuration((pause.closed?.at ?? pause.openedAt) - pause.openedAt)
  return `:arrow_forward: ${mailbox} ${describeEnd(pause)} after ${duration} (${reason})`
}

function describeEnd({ closed }: Pause): string {
  if (closed?.type === 'campaign.deleted') return 'was deleted'
  return closed !== null && closed.proof !== 'certain' ? 'was updated and probably works again' : 'works again'
}

/** Slack shows the time in each reader's time zone; the fallback is for clients that can't. */
function describeTime(ms: number): string {
  const fallback = `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `<!date^${Math.floor(ms / 1_000)}^{date_short_pretty} {time}|${fallback}>`
}

function describeDuration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'less than a minute'
  const parts = { days: Math.floor(minutes / 1_440), hours: Math.floor(minutes / 60) % 24, minutes: minutes % 60 }
  return new Intl.DurationFormat('en', { style: 'short' }).format(parts)
}
