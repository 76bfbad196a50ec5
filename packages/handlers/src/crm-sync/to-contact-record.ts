import { isEmailAddress } from '@warmhook/schema/email-address'
import type { MailboxState, Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxKey, MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { ContactRecord } from './crm-provider.ts'

/** What the CRM should show for a mailbox; undefined if it has no address that a CRM accepts. */
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
    // Events after a deletion do not affect the contact.
    lastEventAt: state.status === 'deleted' ? state.statusSince : state.lastEventAt,
    traceId: state.lastEventId,
  }
}

/** The address as a contact key: CRMs identify contacts by it, in lower case. Undefined if it is no e-mail address. */
export function toContactEmail(email: string | undefined): string | undefined {
  return email !== undefined && isEmailAddress(email) ? email.trim().toLowerCase() : undefined
}

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

/** A sender's text can be as long as its request, and a CRM rejects contacts with such texts. */
function clip(text: string): string {
  return text.slice(0, 1_000).toWellFormed()
}
