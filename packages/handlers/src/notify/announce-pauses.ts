import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Secret } from '@warmhook/config/secret'
import { discard, done, hold, retry, type Outcome } from '@warmhook/queue/outcome'
import type { Pause } from '@warmhook/schema/fold-timeline'
import type { EventRef } from '@warmhook/schema/event-ref'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database, Queryable } from '@warmhook/store/database'
import { readEmails } from '@warmhook/store/mailboxes/read-emails'
import { claimNotifications, type Notification } from '@warmhook/store/notifications/claim-notifications'
import { settleNotifications } from '@warmhook/store/notifications/settle-notifications'
import { recentPauses } from '@warmhook/store/pauses/recent-pauses'
import type { PeerClient } from '@warmhook/peer/create-peer-client'
import type { PeerGate, PeerPass, PeerVerdict } from '@warmhook/peer/create-peer-gate'
import type { FoldEvents } from '../share-folds.ts'
import { describeNotifications, type Announcement } from './describe-notifications.ts'
import { postToSlack, toVerdict, type SlackResult } from './post-to-slack.ts'

export interface AnnounceDeps {
  readonly db: Database
  readonly fold: FoldEvents
  readonly url: Secret
  readonly post: PeerClient
  readonly gate: PeerGate
  /** Whether presumed recoveries of this owner's mailboxes are read back. */
  readonly readsBack: (owner: string) => boolean
  readonly now: () => number
}

/** A replay or a first import must not flood a channel with history. */
const maxAgeMs = 24 * 3_600_000
/** Longer than a post can take. Notifications claimed by a dead worker wait for this long. */
const claimMs = 20_000

/** A notification with the content of its announcement. */
type Candidate = Notification & Announcement

/**
 * Announces the pauses that the events have opened or closed, all in one message and each once: a notification is
 * claimed before it is sent. A duplicate is sent only if a worker dies after sending a message and before recording it.
 */
export async function announcePauses(
  events: readonly EventRef[],
  signal: AbortSignal,
  deps: AnnounceDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  await deps.fold(events)
  const mailboxes = distinct(events)
  const emails = await readEmails(deps.db, mailboxes)
  const since = deps.now() - maxAgeMs
  // Most events do not affect a pause: those need no lock and no turn.
  const isUnproven = (owner: string, pause: Pause): boolean => deps.readsBack(owner) && isBeingProven(pause, deps.now())
  const search: Search = { emails, since, isUnproven }
  const { candidates, unproven } = await findCandidates(deps.db, mailboxes, search)
  const concerning = distinct(candidates)
  const find = async (tx: Queryable) => (await findCandidates(tx, concerning, search)).candidates
  const outcomes = concerning.length === 0 ? noOutcomes : await announceInTurn(concerning, find, signal, deps)
  const otherwise = (event: EventRef): Outcome => {
    if (unproven.has(mailboxKeyOf(event))) return hold('the recovery is being read back', deps.now() + proofMs)
    return event.receivedAt < since ? done('too old to be announced') : done()
  }
  return new Map(events.map((event) => [event.id, outcomes.get(mailboxKeyOf(event)) ?? otherwise(event)]))
}

const noOutcomes: ReadonlyMap<string, Outcome> = new Map()

/** Returns outcomes by mailbox, for mailboxes with something to announce. */
async function announceInTurn(
  mailboxes: readonly MailboxKey[],
  find: (tx: Queryable) => Promise<readonly Candidate[]>,
  signal: AbortSignal,
  deps: AnnounceDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const pass = await awaitTurn(deps.gate, signal)
  if (pass.status !== 'open') return new Map(mailboxes.map((key) => [mailboxKeyOf(key), pass.outcome]))
  let verdict: PeerVerdict = 'unknown'
  try {
    const claimId = randomUUID()
    const { claimed, held } = await claimNotifications(deps.db, mailboxes, find, { claimId, claimMs })
    const result = await send(claimed, claimId, signal, deps)
    verdict = result === undefined ? 'unknown' : toVerdict(result)
    const waiting = hold('another worker is announcing this', deps.now() + claimMs)
    const sent = result === undefined ? done() : toOutcome(result, deps.now())
    return new Map([
      ...held.map((notification) => [mailboxKeyOf(notification), waiting] as const),
      ...claimed.map((notification) => [mailboxKeyOf(notification), sent] as const),
    ])
  } finally {
    await pass.leave(verdict)
  }
}

/** Waits briefly for the turn, so that events that arrive in the meantime are sent in the same message. */
async function awaitTurn(gate: PeerGate, signal: AbortSignal): Promise<PeerPass> {
  for (let [waitedMs, pauseMs] = [0, 10]; ; waitedMs += pauseMs, pauseMs = Math.min(2 * pauseMs, 200)) {
    const pass = await gate.enter()
    if (pass.status === 'open' || waitedMs >= turnWaitMs || signal.aborted) return pass
    if (pass.status === 'closed' && pass.waitMs > turnWaitMs - waitedMs) return pass
    await delay(pauseMs)
  }
}

/** Together with a post, within the handler's timeout. */
const turnWaitMs = 3_000

function distinct(keys: readonly MailboxKey[]): readonly MailboxKey[] {
  return [...new Map(keys.map((key) => [mailboxKeyOf(key), key])).values()]
}

/** How long a presumed recovery waits for its proof before it is announced as presumed. */
const proofMs = 30_000

function isBeingProven({ closed }: Pause, now: number): boolean {
  return closed?.proof === 'presumed' && now - closed.at < proofMs
}

interface Search {
  readonly emails: ReadonlyMap<string, string>
  readonly since: number
  readonly isUnproven: (owner: string, pause: Pause) => boolean
}

interface Found {
  readonly candidates: readonly Candidate[]
  /** Mailboxes whose recovery may turn out not to be one, by `mailboxKeyOf`. */
  readonly unproven: ReadonlySet<string>
}

async function findCandidates(tx: Queryable, mailboxes: readonly MailboxKey[], search: Search): Promise<Found> {
  const { emails, since, isUnproven } = search
  const pauses = await recentPauses(tx, mailboxes, since)
  const unproven = new Set<string>()
  const candidates = mailboxes.flatMap(({ owner, campaignId }) => {
    const key = mailboxKeyOf({ owner, campaignId })
    const about = { owner, campaignId, email: emails.get(key) }
    const own = pauses.get(key) ?? []
    return own
      .flatMap((pause, index) => {
        const both = toCandidates(about, pause, own[index + 1])
        if (!isUnproven(owner, pause)) return both
        unproven.add(key)
        return both.filter(({ kind }) => kind === 'opened')
      })
      .filter((candidate) => timeOf(candidate) >= since)
  })
  return { candidates, unproven }
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

/** Sends claimed notifications and ends the claim, whatever happens. Returns undefined if there is nothing to send. */
async function send(
  claimed: readonly Candidate[],
  claimId: string,
  signal: AbortSignal,
  { db, url, post, now }: AnnounceDeps,
): Promise<SlackResult | undefined> {
  if (claimed.length === 0) return undefined
  let result: SlackResult | undefined
  try {
    result = await postToSlack(url, describeNotifications(claimed), signal, { post, now })
    return result
  } finally {
    await settleNotifications(db, claimId, result?.status === 'sent' ? 'sent' : 'not sent')
  }
}

function toOutcome(result: SlackResult, now: number): Outcome {
  switch (result.status) {
    case 'sent':
      return done('announced')
    case 'retry':
      return retry(result.reason)
    case 'rejected':
      return discard(result.reason)
    case 'refused':
      return hold(result.refusal.reason, now + result.refusal.waitMs)
  }
}
