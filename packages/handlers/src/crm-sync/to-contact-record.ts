import type { MailboxState, Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxKey, MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { ContactRecord } from './crm-provider.ts'

/** What the CRM should show for a mailbox; undefined for one without an address that a CRM could take. */
export function toContactRecord({ campaignId }: MailboxKey, timeline: Timeline): ContactRecord | undefined {
  const state = timeline.mailbox
  const email = toContactEmail(state?.profile.email)
  if (state === null || email === undefined) return undefined
  return {
    email,
    warmupStatus: warmupStatuses[state.status],
    pausedSince: state.status === 'paused' ? pausedSince(state, timeline) : null,
    pauseReason: state.status === 'paused' && state.reason !== null ? clip(state.reason) : null,
    provider: state.profile.provider === undefined ? null : clip(state.profile.provider),
    tags: state.profile.tags ?? [],
    campaignId,
    lastEventAt: state.lastEventAt,
    traceId: state.lastEventId,
  }
}

/** The address as the key of a contact: CRMs tell contacts apart by it in lower case. Undefined for what is none. */
export function toContactEmail(email: string | undefined): string | undefined {
  const address = email?.trim().toLowerCase()
  return address !== undefined && address.length <= maxEmailLength && emailShape.test(address) ? address : undefined
}

/** RFC 5321 section 4.5.3.1.3, without the angle brackets. */
const maxEmailLength = 254
// No more than what can't be an address: the CRM has rules of its own. `[email protected]`, as published samples have it, is none.
const emailShape = /^[^\s\p{C}@]+@[^\s\p{C}@]+$/u

const warmupStatuses: Readonly<Record<MailboxStatus, ContactRecord['warmupStatus']>> = {
  pending: 'pending',
  active: 'active',
  paused: 'paused',
  deleted: 'removed',
}

function pausedSince(state: MailboxState, timeline: Timeline): number {
  const last = timeline.pauses.at(-1)
  return last?.closed === null ? last.openedAt : state.statusSince
}

/** A sender's text can be as long as its request; a CRM refuses the contact for it. */
function clip(text: string): string {
  return text.slice(0, 1_000).toWellFormed()
}
