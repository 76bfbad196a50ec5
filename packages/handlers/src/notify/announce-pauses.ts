import { randomUUID } from 'node:crypto'
import type { Secret } from '@warmhook/config/secret'
import { discard, done, retry, type Outcome } from '@warmhook/queue/outcome'
import type { Pause } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxEvent, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database, Queryable } from '@warmhook/store/database'
import { readEmails } from '@warmhook/store/mailboxes/read-emails'
import { claimNotices, type Notice } from '@warmhook/store/notices/claim-notices'
import { settleNotices } from '@warmhook/store/notices/settle-notices'
import { recentPauses } from '@warmhook/store/pauses/recent-pauses'
import type { FoldEvents } from '../share-folds.ts'
import { describeNotices, type Announcement } from './describe-notices.ts'
import { postToSlack, type SlackResult } from './post-to-slack.ts'

export interface AnnounceDeps {
  readonly db: Database
  readonly fold: FoldEvents
  readonly url: Secret
  readonly now: () => number
}

/** A replay or a first import must not flood a channel with history. */
const maxAgeMs = 24 * 3_600_000
/** Longer than a post can take; what a dead worker has claimed waits as long. */
const claimMs = 20_000

/** A notice with what there is to say. */
type Candidate = Notice & Announcement

/**
 * Announces the pauses that the events have opened or closed, all in one message, each once: a notice is claimed before
 * it is sent. A worker that dies between sending and saying so is the one way to a second message.
 */
export async function announcePauses(
  events: readonly MailboxEvent[],
  signal: AbortSignal,
  deps: AnnounceDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  await deps.fold(events)
  const mailboxes = distinct(events)
  const emails = await readEmails(deps.db, mailboxes)
  const since = deps.now() - maxAgeMs
  const claimId = randomUUID()
  // Most events concern no pause: those need no lock.
  const concerning = distinct(await findCandidates(deps.db, mailboxes, emails, since))
  const find = (tx: Queryable) => findCandidates(tx, concerning, emails, since)
  const { claimed, held } = await claimNotices(deps.db, concerning, find, { claimId, claimMs })
  const result = await send(claimed, claimId, signal, deps)
  const concerned = new Set(claimed.map(mailboxKeyOf))
  const waiting = new Set(held.map(mailboxKeyOf))
  return new Map(
    events.map((event) => {
      const key = mailboxKeyOf(event)
      if (concerned.has(key) && result.status !== 'sent') return [event.id, toOutcome(result)]
      if (waiting.has(key)) return [event.id, retry('another worker is announcing this', deps.now() + claimMs)]
      if (concerned.has(key)) return [event.id, done('announced')]
      return [event.id, event.receivedAt < since ? done('too old to be announced') : done()]
    }),
  )
}

function distinct(keys: readonly MailboxKey[]): readonly MailboxKey[] {
  return [...new Map(keys.map((key) => [mailboxKeyOf(key), key])).values()]
}

async function findCandidates(
  tx: Queryable,
  mailboxes: readonly MailboxKey[],
  emails: ReadonlyMap<string, string>,
  since: number,
): Promise<readonly Candidate[]> {
  const pauses = await recentPauses(tx, mailboxes, since)
  return mailboxes.flatMap(({ owner, campaignId }) => {
    const key = mailboxKeyOf({ owner, campaignId })
    const about = { owner, campaignId, email: emails.get(key) }
    const own = pauses.get(key) ?? []
    return own
      .flatMap((pause, index) => toCandidates(about, pause, own[index + 1]))
      .filter((candidate) => timeOf(candidate) >= since)
  })
}

function toCandidates(
  mailbox: Pick<Candidate, 'owner' | 'campaignId' | 'email'>,
  pause: Pause,
  next: Pause | undefined,
): readonly Candidate[] {
  const about = { ...mailbox, pause, sinceEventId: pause.openedBy }
  const opened: Candidate = {
    ...about,
    kind: 'opened',
    eventId: pause.openedBy,
    beforeEventId: pause.closed?.eventId,
  }
  if (pause.closed === null) return [opened]
  return [opened, { ...about, kind: 'closed', eventId: pause.closed.eventId, beforeEventId: next?.openedBy }]
}

function timeOf({ kind, pause }: Announcement): number {
  return kind === 'closed' && pause.closed !== null ? pause.closed.at : pause.openedAt
}

/** Sends what is claimed and ends the claim, whatever happens. */
async function send(
  claimed: readonly Candidate[],
  claimId: string,
  signal: AbortSignal,
  { db, url, now }: AnnounceDeps,
): Promise<SlackResult> {
  if (claimed.length === 0) return { status: 'sent' }
  let result: SlackResult | undefined
  try {
    result = await postToSlack(url, describeNotices(claimed), signal, now)
    return result
  } finally {
    await settleNotices(db, claimId, result?.status === 'sent' ? 'sent' : 'not sent')
  }
}

function toOutcome(result: Exclude<SlackResult, { status: 'sent' }>): Outcome {
  return result.status === 'retry' ? retry(result.reason, result.notBefore) : discard(result.reason)
}
