import { isEmailAddress } from '@warmhook/schema/email-address'
import type { MailboxState, Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxKey, MailboxStatus } from '@warmhook/schema/mailbox-event'

/** A mailbox as a mapping sees it. Times are milliseconds since the epoch; null means unknown, or not paused. */
export interface ContactState {
  readonly status: 'pending' | 'active' | 'paused' | 'removed'
  readonly statusSince: number
  readonly pausedSince: number | null
  readonly pauseReason: string | null
  readonly provider: string | null
  /** Joined by semicolons. */
  readonly tags: string | null
  readonly campaignId: number
  readonly lastEventAt: number
  readonly owner: string
  readonly firstName: string | null
  readonly lastName: string | null
}

/** The address as a contact key: CRMs identify contacts by it, in lower case. Undefined if it is no e-mail address. */
export function toContactEmail(email: string | undefined): string | undefined {
  return email !== undefined && isEmailAddress(email) ? email.trim().toLowerCase() : undefined
}

/** The state of a mailbox; undefined if it has no event that counts. */
export function toContactState({ owner, campaignId }: MailboxKey, timeline: Timeline): ContactState | undefined {
  const state = timeline.mailbox
  if (state === null) return undefined
  const { provider, tags = [], firstName, lastName } = state.profile
  return {
    status: statuses[state.status],
    statusSince: state.statusSince,
    pausedSince: state.status === 'paused' ? pausedSince(state, timeline) : null,
    pauseReason: state.status === 'paused' && state.reason !== null ? clip(state.reason) : null,
    provider: clipped(provider),
    tags: tags.length === 0 ? null : clip(tags.join(';')),
    campaignId,
    // Events after a deletion do not affect the contact.
    lastEventAt: state.status === 'deleted' ? state.statusSince : state.lastEventAt,
    owner,
    firstName: clipped(firstName),
    lastName: clipped(lastName),
  }
}

const statuses: Readonly<Record<MailboxStatus, ContactState['status']>> = {
  pending: 'pending',
  active: 'active',
  paused: 'paused',
  deleted: 'removed',
}

function pausedSince(state: MailboxState, timeline: Timeline): number {
  const last = timeline.pauses.at(-1)
  return last?.closed === null ? last.openedAt : state.statusSince
}

function clipped(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : clip(text)
}

/** A sender's text can be as long as its request, and a CRM rejects contacts with such texts. */
function clip(text: string): string {
  return text.slice(0, 1_000).toWellFormed()
}
