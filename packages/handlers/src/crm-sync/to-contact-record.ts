import type { MailboxState, Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxKey, MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { ContactRecord } from './crm-provider.ts'

/** What the CRM should show for a mailbox; undefined for one without an e-mail. */
export function toContactRecord(mailbox: MailboxKey, timeline: Timeline): ContactRecord | undefined {
  const state = timeline.mailbox
  if (state === null || state.profile.email === undefined || state.profile.email.trim() === '') return undefined
  return {
    email: toContactEmail(state.profile.email),
    warmupStatus: warmupStatuses[state.status],
    pausedSince: state.status === 'paused' ? pausedSince(state, timeline) : null,
    pauseReason: state.status === 'paused' ? state.reason : null,
    provider: state.profile.provider ?? null,
    tags: state.profile.tags ?? [],
    campaignId: mailbox.campaignId,
    lastEventAt: state.lastEventAt,
    traceId: state.lastEventId,
  }
}

/** CRMs tell contacts apart by the address in lower case. */
export function toContactEmail(email: string): string {
  return email.trim().toLowerCase()
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
