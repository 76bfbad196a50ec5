import { randomUUID } from 'node:crypto'
import type { Secret } from '@warmhook/config/secret'
import { discard, done, retry, type Outcome } from '@warmhook/queue/outcome'
import type { Pause } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { readFolded } from '@warmhook/store/mailboxes/fold-events'
import { claimNotices, type Notice } from '@warmhook/store/notices/claim-notices'
import { recentPauses } from '@warmhook/store/pauses/recent-pauses'
import { settleNotices } from '@warmhook/store/notices/settle-notices'
import { describeNotices, type Announcement } from './describe-notices.ts'
import { postToSlack, type SlackResult } from './post-to-slack.ts'

export interface AnnounceDeps {
  readonly db: Database
  readonly url: Secret
  readonly now: () => number
}

/** A replay or a first import must not flood a channel with history. */
const maxAgeMs = 24 * 3_600_000
/** Longer than a post can take; what a dead worker has claimed waits as long. */
const claimMs = 20_000

interface Candidate {
  readonly notice: Notice
  readonly announcement: Announcement
}

/**
 * Announces the pauses that the events have opened or closed, all in one message, each once: a notice is claimed before
 * it is sent. A worker that dies between sending and saying so is the one way to a second message.
 */
export async function announcePauses(
  events: readonly MailboxEvent[],
  signal: AbortSignal,
  deps: AnnounceDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const candidates = await findCandidates(events, deps)
  const claimId = randomUUID()
  const { claimed, held } = await claimNotices(
    deps.db,
    candidates.map(({ notice }) => notice),
    { claimId, claimMs },
  )
  const mine = candidates.filter(({ notice }) => claimed.includes(notice))
  const result = await send(mine, signal, deps)
  if (mine.length > 0) await settleNotices(deps.db, claimId, result.status === 'sent' ? 'sent' : 'not sent')
  const concerned = new Set(mine.map(({ notice }) => mailboxKeyOf(notice)))
  const waiting = new Set(held.map(mailboxKeyOf))
  return new Map(
    events.map((event) => {
      const key = mailboxKeyOf(event)
      if (concerned.has(key) && result.status !== 'sent') return [event.id, toOutcome(result)]
      if (waiting.has(key)) return [event.id, retry('another worker is announcing this', deps.now() + claimMs)]
      return [event.id, done(concerned.has(key) ? 'announced' : undefined)]
    }),
  )
}

async function findCandidates(
  events: readonly MailboxEvent[],
  { db, now }: AnnounceDeps,
): Promise<readonly Candidate[]> {
  const timelines = await readFolded(db, events)
  const mailboxes = new Map(events.map((event) => [mailboxKeyOf(event), event]))
  const pauses = await recentPauses(db, [...mailboxes.values()], now() - maxAgeMs)
  return [...mailboxes].flatMap(([key, mailbox]) => {
    const own = pauses.get(key) ?? []
    const email = timelines.get(key)?.mailbox?.profile.email
    return own
      .flatMap((pause, index) => toCandidates(mailbox, email, pause, own[index + 1]))
      .filter(({ announcement }) => now() - timeOf(announcement) <= maxAgeMs)
  })
}

function toCandidates(
  { owner, campaignId }: MailboxKey,
  email: string | undefined,
  pause: Pause,
  next: Pause | undefined,
): Candidate[] {
  const about = { owner, campaignId, sinceEventId: pause.openedBy }
  const announcement = { owner, campaignId, email, pause }
  const opened: Candidate = {
    notice: { ...about, kind: 'opened', eventId: pause.openedBy, beforeEventId: pause.closed?.eventId },
    announcement: { ...announcement, kind: 'opened' },
  }
  if (pause.closed === null) return [opened]
  const closed: Candidate = {
    notice: { ...about, kind: 'closed', eventId: pause.closed.eventId, beforeEventId: next?.openedBy },
    announcement: { ...announcement, kind: 'closed' },
  }
  return [opened, closed]
}

function timeOf({ kind, pause }: Announcement): number {
  return kind === 'closed' && pause.closed !== null ? pause.closed.at : pause.openedAt
}

async function send(
  candidates: readonly Candidate[],
  signal: AbortSignal,
  { url, now }: AnnounceDeps,
): Promise<SlackResult> {
  if (candidates.length === 0) return { status: 'sent' }
  return postToSlack(url, describeNotices(candidates.map(({ announcement }) => announcement)), signal, now)
}

function toOutcome(result: Exclude<SlackResult, { status: 'sent' }>): Outcome {
  return result.status === 'retry' ? retry(result.reason, result.notBefore) : discard(result.reason)
}
