import type { Campaign } from '@warmhook/mailivery/campaign'
import { toMailboxStatus } from '@warmhook/mailivery/to-mailbox-status'
import { isSameValue, mergeProfile } from '@warmhook/schema/merge-profile'
import { profileFields, type MailboxProfile, type MailboxStatus } from '@warmhook/schema/mailbox-event'
import type { Reading } from '@warmhook/schema/reading'
import type { StoredMailbox } from '@warmhook/store/mailboxes/read-mailboxes'
import type { Finding } from '@warmhook/store/reconciliations/runs'
import { isPresumed } from './is-presumed.ts'

/** What a campaign shows about the record: nothing new, or something to correct by an event. */
export interface Comparison {
  readonly finding: Finding | undefined
  readonly correction: Reading | undefined
}

/** How a campaign was read. */
export interface ReadingContext {
  /** The run, or the event that asked for a read-back. */
  readonly run: string
  /** When the reading began, in ms since the epoch. */
  readonly startedAt: number
  /** Whether a campaign that no webhook has mentioned belongs to the owner. */
  readonly mayAdd: boolean
}

const nothing: Comparison = { finding: undefined, correction: undefined }

/**
 * Compares a campaign with the stored mailbox. A webhook that arrived after the reading began decides, and a `status_code`
 * that is not known is not interpreted.
 */
export function compareCampaign(
  campaign: Campaign,
  stored: StoredMailbox | undefined,
  context: ReadingContext,
): Comparison {
  const status = toMailboxStatus(campaign.statusCode)
  const mailbox = stored?.timeline.mailbox ?? null
  if (mailbox !== null && mailbox.lastEventAt >= context.startedAt) return nothing
  if (status === undefined) return { finding: 'unclear', correction: undefined }
  const profile = toProfile(campaign, mailbox?.profile)
  const correct = (finding: Finding): Comparison => ({
    finding,
    correction: toReading(campaign, status, profile, context),
  })
  if (stored === undefined || mailbox === null)
    return context.mayAdd ? correct('added') : { finding: 'unclear', correction: undefined }
  if (mailbox.status !== status) {
    if (status === 'paused') return correct('opened')
    const isOpen = stored.timeline.pauses.at(-1)?.closed === null
    return correct(status === 'active' && isOpen ? 'closed' : 'changed')
  }
  if (isPresumed(stored)) return correct('confirmed')
  return isNews(mailbox.profile, profile) ? correct('changed') : nothing
}

/** The reading of a mailbox whose campaign no longer exists. */
export function toDeletion(campaignId: number, context: ReadingContext): Reading {
  return {
    type: 'mailbox.reconciled',
    run: context.run,
    campaignId,
    status: 'deleted',
    statusCode: null,
    startedAt: new Date(context.startedAt).toISOString(),
    profile: {},
  }
}

function toReading(
  { id, statusCode }: Campaign,
  status: MailboxStatus,
  profile: MailboxProfile,
  context: ReadingContext,
): Reading {
  return { ...toDeletion(id, context), status, statusCode, profile }
}

/** Webhooks name providers in their own way, so a known one stays. */
function toProfile(
  { email, firstName, lastName, provider, tags }: Campaign,
  known: MailboxProfile | undefined,
): MailboxProfile {
  return {
    ...(email === undefined ? {} : { email }),
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(provider === undefined || known?.provider !== undefined ? {} : { provider }),
    ...(tags === undefined || isSameSet(tags, known?.tags ?? []) ? {} : { tags: [...tags] }),
  }
}

/** Whether the campaign's fields would change the mailbox's. */
function isNews(known: MailboxProfile, read: MailboxProfile): boolean {
  const merged = mergeProfile(known, read)
  return profileFields.some(({ name }) => !isSameValue(merged[name], known[name]))
}

/** Mailivery documents no order of tags. */
function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return new Set(one).symmetricDifference(new Set(other)).size === 0
}
