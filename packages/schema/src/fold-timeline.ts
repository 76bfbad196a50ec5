import {
  isPresumption,
  statusOf,
  type EventType,
  type MailboxEvent,
  type MailboxProfile,
  type MailboxStatus,
} from './mailbox-event.ts'
import { doubtfulFields, mergeProfile, omitFields } from './merge-profile.ts'

/** A mailbox's state after the events folded so far. Times are milliseconds since the epoch. */
export interface MailboxState {
  readonly status: MailboxStatus
  readonly statusSince: number
  /** The latest reason given since the mailbox was paused, or null if it is not paused. */
  readonly reason: string | null
  readonly profile: MailboxProfile
  /** The latest event, even if it changed nothing because its campaign was deleted. */
  readonly lastEventId: string
  readonly lastEventAt: number
}

/** One interval in which a mailbox was paused. */
export interface Pause {
  /** The first problem of the interval; identifies the pause within its mailbox. */
  readonly openedBy: string
  readonly openedAt: number
  readonly openedByType: EventType
  /** The latest reason given during the pause. */
  readonly reason: string | null
  /** The first distinct reasons in arrival order, bounded in number and length. */
  readonly reasons: readonly string[]
  readonly closed: PauseEnd | null
}

export interface PauseEnd {
  readonly eventId: string
  readonly at: number
  readonly type: EventType
  readonly proof: PauseProof
}

/**
 * How certain the end of a pause is. `presumed`: only an update suggests it, and a reading may still show that the pause
 * goes on. `unverified`: presumed, but what came next makes it impossible to tell. `certain`: anything else.
 */
export type PauseProof = 'certain' | 'presumed' | 'unverified'

/** A mailbox's state and the pauses that its folded events have opened or closed, oldest first. */
export interface Timeline {
  readonly mailbox: MailboxState | null
  readonly pauses: readonly Pause[]
}

export const emptyTimeline: Timeline = { mailbox: null, pauses: [] }

/**
 * Continues a timeline with later events, given in arrival order. The result depends only on the whole history, not on
 * how it was split: folding it at once or in pieces gives the same timeline.
 */
export function foldTimeline(from: Timeline, events: readonly MailboxEvent[]): Timeline {
  const { mailbox, pauses } = fold(from, events)
  return { mailbox, pauses }
}

interface Folded extends Timeline {
  /** The events that did not count. */
  readonly ignored: readonly MailboxEvent[]
}

function fold(from: Timeline, events: readonly MailboxEvent[]): Folded {
  const pauses = [...from.pauses]
  const ignored: MailboxEvent[] = []
  let mailbox = from.mailbox
  for (const event of events) {
    if (mailbox !== null && !doesCount(mailbox, event)) {
      mailbox = { ...mailbox, lastEventId: event.id, lastEventAt: event.receivedAt }
      ignored.push(event)
      continue
    }
    const last = pauses.at(-1)
    const next = nextPauses(last, event)
    if (last !== undefined) pauses.pop()
    pauses.push(...next)
    mailbox = nextState(mailbox, event, isReopening(last, event) ? next[0] : undefined)
  }
  return { mailbox, pauses, ignored }
}

/** Whether later events cannot change any pause from before this event: none is open or presumed to be over after it. */
export function isFirmClosing(event: Pick<MailboxEvent, 'type' | 'status'>): boolean {
  return ['active', 'deleted'].includes(statusOf(event)) && !isPresumption(event.type)
}

/**
 * Merges late events into a timeline. `recent` is the history from the last firm closing event before the first late one (or
 * the whole history if there is none): nothing before that event can change, and no pause is open after it. If the
 * campaign was deleted by then, the deletion comes first, without its profile, because it may not have counted.
 *
 * Undefined if older events are needed: a late deletion reverts changes by later events, or a status may have started
 * before `recent`. In this case, call it again with the whole history.
 */
export function refoldTimeline(
  from: Timeline,
  recent: readonly MailboxEvent[],
  isWhole: boolean,
): Timeline | undefined {
  const { mailbox, pauses, ignored } = fold(emptyTimeline, recent)
  const before = from.mailbox
  if (mailbox === null || before === null) return { mailbox, pauses }
  const statusSince = sinceBefore(before, mailbox, recent) ?? (isWhole ? mailbox.statusSince : undefined)
  const profile = mergeProfile(before.profile, mailbox.profile)
  const said = ignored.map((event) => event.profile)
  const doubtful = doubtfulFields(profile, mailbox.profile, said)
  if (doubtful.length === 0 && statusSince !== undefined)
    return { mailbox: { ...mailbox, statusSince, profile }, pauses }
  if (!isWhole || statusSince === undefined) return undefined
  const known = omitFields(before.profile, doubtful)
  return { mailbox: { ...mailbox, statusSince, profile: mergeProfile(known, mailbox.profile) }, pauses }
}

/** A status that applies since the first recent event may have started earlier. Undefined if its start is unknown. */
function sinceBefore(before: MailboxState, mailbox: MailboxState, recent: readonly MailboxEvent[]): number | undefined {
  const [first] = recent
  if (first === undefined || !holdsThroughout(mailbox.status, recent)) return mailbox.statusSince
  const isKnown = before.status === mailbox.status && before.statusSince <= first.receivedAt
  return isKnown ? before.statusSince : undefined
}

function holdsThroughout(status: MailboxStatus, events: readonly MailboxEvent[]): boolean {
  return status === 'deleted'
    ? events[0] !== undefined && statusOf(events[0]) === 'deleted' && !events.some(beginsLife)
    : events.every((event) => statusOf(event) === status)
}

/** A reading of a campaign that exists also ends its deletion: it began after the deletion arrived. */
function beginsLife(event: MailboxEvent): boolean {
  const { type } = event
  return (
    type === 'campaign.created' ||
    type === 'campaign.pending' ||
    (type === 'mailbox.reconciled' && statusOf(event) !== 'deleted')
  )
}

/** A deleted campaign stays deleted until an event begins a new life; all other events are ignored. */
function doesCount(before: MailboxState, event: MailboxEvent): boolean {
  return before.status !== 'deleted' || beginsLife(event)
}

/** `reopened` is the pause that goes on after all, if the event shows that. */
function nextState(before: MailboxState | null, event: MailboxEvent, reopened: Pause | undefined): MailboxState {
  const status = statusOf(event)
  const isSame = before?.status === status
  const about = {
    status,
    profile: mergeProfile(before?.profile ?? {}, event.profile),
    lastEventId: event.id,
    lastEventAt: event.receivedAt,
  }
  if (reopened !== undefined) return { ...about, statusSince: reopened.openedAt, reason: reopened.reason }
  return {
    ...about,
    statusSince: isSame ? before.statusSince : event.receivedAt,
    reason: status === 'paused' ? (reasonOf(event) ?? (isSame ? before.reason : null)) : null,
  }
}

/** Whether a reading shows that the recovery which an update suggested did not happen. */
function isReopening(last: Pause | undefined, event: MailboxEvent): boolean {
  return last?.closed?.proof === 'presumed' && event.type === 'mailbox.reconciled' && statusOf(event) === 'paused'
}

/** A blank reason counts as no reason. */
function reasonOf({ reason }: MailboxEvent): string | undefined {
  return reason === undefined || reason.trim() === '' ? undefined : reason
}

/** What becomes of the latest pause, and the pause that the event opens. */
function nextPauses(last: Pause | undefined, event: MailboxEvent): readonly Pause[] {
  const known = last === undefined ? [] : [last]
  const isOpen = last?.closed === null
  const isPresumed = last?.closed?.proof === 'presumed'
  switch (statusOf(event)) {
    case 'paused':
      if (last === undefined || (!isOpen && !isPresumed)) return [...known, openPause(event)]
      if (isOpen || isReopening(last, event)) return [{ ...last, ...withReason(last, event), closed: null }]
      return [prove(last, 'unverified'), openPause(event)]
    case 'active':
      if (last !== undefined && isOpen) return [closePause(last, event)]
      return last !== undefined && isPresumed && !isPresumption(event.type) ? [prove(last, 'certain')] : known
    case 'deleted':
      if (last !== undefined && isOpen) return [closePause(last, event)]
      return last !== undefined && isPresumed ? [prove(last, 'unverified')] : known
    case 'pending':
      // Microsoft consent is renewed before the mailbox works again: only creation, update or deletion closes a pause.
      return known
  }
}

function closePause(pause: Pause, { id, receivedAt, type }: MailboxEvent): Pause {
  const proof = isPresumption(type) ? 'presumed' : 'certain'
  return { ...pause, closed: { eventId: id, at: receivedAt, type, proof } }
}

function prove(pause: Pause, proof: PauseProof): Pause {
  return { ...pause, closed: pause.closed && { ...pause.closed, proof } }
}

function openPause(event: MailboxEvent): Pause {
  const nothing = { reason: null, reasons: [] }
  return {
    openedBy: event.id,
    openedAt: event.receivedAt,
    openedByType: event.type,
    ...withReason(nothing, event),
    closed: null,
  }
}

/** A sender can give every problem a different reason, and the list is read and stored with each problem. */
export const maxReasons = 100
/** Only in the list; `reason` itself is kept verbatim. */
export const maxReasonLength = 500

function withReason(known: Pick<Pause, 'reason' | 'reasons'>, event: MailboxEvent): Pick<Pause, 'reason' | 'reasons'> {
  const reason = reasonOf(event)
  // The latest ones are dropped, so that the list does not depend on how the history was split.
  const reasons = known.reasons.slice(0, maxReasons)
  if (reason === undefined) return { reason: known.reason, reasons }
  const listed = reason.slice(0, maxReasonLength).toWellFormed()
  return { reason, reasons: reasons.length === maxReasons || reasons.includes(listed) ? reasons : [...reasons, listed] }
}
