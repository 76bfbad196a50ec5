import { EventType, statusAfter, type MailboxEvent, type MailboxProfile, type MailboxStatus } from './mailbox-event.ts'

/** What a mailbox is after the events folded so far. Times are milliseconds since the epoch. */
export interface MailboxState {
  readonly status: MailboxStatus
  readonly statusSince: number
  /** The latest problem's reason while paused, else null. */
  readonly reason: string | null
  readonly profile: MailboxProfile
  readonly lastEventId: string
  readonly lastEventAt: number
}

/** One interval in which a mailbox was paused. */
export interface Pause {
  /** The first problem of the interval; identifies the pause within its mailbox. */
  readonly openedBy: string
  readonly openedAt: number
  /** The latest reason given during the pause. */
  readonly reason: string | null
  /** Every distinct reason, in arrival order. */
  readonly reasons: readonly string[]
  readonly closed: PauseEnd | null
}

export interface PauseEnd {
  readonly eventId: string
  readonly at: number
  readonly type: EventType
}

/** A mailbox's state and the pauses that its folded events have opened or closed, oldest first. */
export interface Timeline {
  readonly mailbox: MailboxState | null
  readonly pauses: readonly Pause[]
}

export const emptyTimeline: Timeline = { mailbox: null, pauses: [] }

/**
 * Continues a timeline with later events, given in arrival order. The result depends on the whole history only,
 * not on where it was cut: folding it at once or in pieces gives the same timeline.
 */
export function foldTimeline(from: Timeline, events: readonly MailboxEvent[]): Timeline {
  const pauses = [...from.pauses]
  let mailbox = from.mailbox
  for (const event of events) {
    mailbox = nextState(mailbox, event)
    const last = pauses.at(-1)
    const open = last?.closed === null ? last : undefined
    const pause = nextPause(open, event)
    if (pause === undefined) continue
    if (open !== undefined) pauses.pop()
    pauses.push(pause)
  }
  return { mailbox, pauses }
}

/** The types of events after which no pause is open, whatever was before. */
export const closingTypes: readonly EventType[] = EventType.options.filter((type) =>
  ['active', 'deleted'].includes(statusAfter[type]),
)

/**
 * Brings late events into a timeline. `recent` is the history from the last closing event before the first of them on
 * (or all of it, where there is none): what was before that event can't have changed, and no pause was open after it.
 */
export function refoldTimeline(from: Timeline, recent: readonly MailboxEvent[]): Timeline {
  const { mailbox, pauses } = foldTimeline(emptyTimeline, recent)
  const before = from.mailbox
  if (mailbox === null || before === null) return { mailbox, pauses }
  // A status that holds since the first of the recent events may hold for longer than that.
  const isOlder = mailbox.statusSince === recent[0]?.receivedAt && before.status === mailbox.status
  return {
    mailbox: {
      ...mailbox,
      statusSince: isOlder ? Math.min(before.statusSince, mailbox.statusSince) : mailbox.statusSince,
      profile: { ...before.profile, ...mailbox.profile },
    },
    pauses,
  }
}

function nextState(before: MailboxState | null, event: MailboxEvent): MailboxState {
  const status = statusAfter[event.type]
  return {
    status,
    statusSince: before?.status === status ? before.statusSince : event.receivedAt,
    reason: status === 'paused' ? (event.reason ?? null) : null,
    profile: { ...before?.profile, ...event.profile },
    lastEventId: event.id,
    lastEventAt: event.receivedAt,
  }
}

/** The open pause after this event, or the one that it closes; undefined when the event changes no pause. */
function nextPause(open: Pause | undefined, event: MailboxEvent): Pause | undefined {
  switch (statusAfter[event.type]) {
    case 'paused':
      return open === undefined ? openPause(event) : { ...open, ...withReason(open.reasons, event) }
    case 'active':
    case 'deleted':
      return open && { ...open, closed: { eventId: event.id, at: event.receivedAt, type: event.type } }
    case 'pending':
      // Microsoft consent is given again before the mailbox works again: only its start or end closes a pause.
      return undefined
  }
}

function openPause(event: MailboxEvent): Pause {
  return { openedBy: event.id, openedAt: event.receivedAt, ...withReason([], event), closed: null }
}

function withReason(reasons: readonly string[], event: MailboxEvent): Pick<Pause, 'reason' | 'reasons'> {
  const reason = event.reason ?? null
  const known = reason === null || reasons.includes(reason)
  return { reason, reasons: known ? reasons : [...reasons, reason] }
}
