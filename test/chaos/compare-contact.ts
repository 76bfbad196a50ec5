import { isDeepStrictEqual } from 'node:util'
import type { Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxEvent, MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { CrmPeer } from './crm-peer.ts'

/** The differences between a mailbox and its contact in the CRM. In a run, every mailbox has its own address. */
export function compareContact(
  [event]: readonly MailboxEvent[],
  timeline: Timeline,
  { contacts }: CrmPeer,
): readonly string[] {
  const email = timeline.mailbox?.profile.email
  if (event === undefined || email === undefined) return []
  const found = contacts.get(email)?.properties
  const expected = toProperties(event.campaignId, timeline)
  if (isDeepStrictEqual({ ...found }, expected)) return []
  return [`the CRM shows ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`]
}

const warmupStatuses: Readonly<Record<MailboxStatus, string>> = {
  pending: 'pending',
  active: 'active',
  paused: 'paused',
  deleted: 'removed',
}

/** Deliberately duplicates the mapping of the product: sharing its code would hide its bugs. */
function toProperties(campaignId: number, { mailbox, pauses }: Timeline): Readonly<Record<string, string>> {
  if (mailbox === null) return {}
  const { status, profile } = mailbox
  const isPaused = status === 'paused'
  const since = pauses.at(-1)?.closed === null ? pauses.at(-1)?.openedAt : mailbox.statusSince
  return {
    email: profile.email ?? '',
    mailivery_warmup_status: warmupStatuses[status],
    mailivery_paused_since: isPaused && since !== undefined ? new Date(since).toISOString() : '',
    mailivery_pause_reason: isPaused ? (mailbox.reason ?? '') : '',
    mailivery_provider: profile.provider ?? '',
    mailivery_tags: (profile.tags ?? []).join(';'),
    mailivery_campaign_id: String(campaignId),
    mailivery_last_event_at: new Date(status === 'deleted' ? mailbox.statusSince : mailbox.lastEventAt).toISOString(),
  }
}
