import { z } from 'zod'

/** The possible states of a mailbox, determined by its latest event. */
export const MailboxStatus = z.enum(['pending', 'active', 'paused', 'deleted'])
export type MailboxStatus = z.infer<typeof MailboxStatus>

/** The types of webhooks. */
export const WebhookType = z.enum([
  'campaign.pending',
  'campaign.created',
  'campaign.updated',
  'campaign.deleted',
  'campaign.connection.problematic',
])
export type WebhookType = z.infer<typeof WebhookType>

/** Every event type that handlers can subscribe to: those of webhooks, and a reading of Mailivery's API. */
export const EventType = z.enum([...WebhookType.options, 'mailbox.reconciled'])
export type EventType = z.infer<typeof EventType>

/** The status that each webhook puts its mailbox into. */
export const statusAfter: Readonly<Record<WebhookType, MailboxStatus>> = {
  'campaign.pending': 'pending',
  'campaign.created': 'active',
  'campaign.updated': 'active',
  'campaign.deleted': 'deleted',
  'campaign.connection.problematic': 'paused',
}

/**
 * Whether an event only suggests that a paused mailbox works again: Mailivery sends `campaign.updated` for a reconnected
 * Microsoft account, and for any edit.
 */
export function isPresumption(type: EventType): boolean {
  return type === 'campaign.updated'
}

/** The mailbox's data in an event; fields that the event does not contain are absent. */
export const MailboxProfile = z.strictObject({
  email: z.string().optional(),
  firstName: z.string().optional(),
  lastName: z.string().optional(),
  provider: z.string().optional(),
  tags: z.array(z.string()).optional(),
  meta: z.string().optional(),
})
export type MailboxProfile = Readonly<z.infer<typeof MailboxProfile>>
export type ProfileField = keyof MailboxProfile

/** The fields of a profile, in their order. */
export const profileFields: readonly { readonly name: ProfileField; readonly isList: boolean }[] =
  MailboxProfile.keyof().options.map((name) => ({
    name,
    isList: MailboxProfile.shape[name].unwrap() instanceof z.ZodArray,
  }))

/** One fact about one mailbox, in the same format for all senders. */
export const MailboxEvent = z.strictObject({
  /** The envelope's id, which defines the arrival order. */
  id: z.uuidv7(),
  source: z.string().min(1),
  owner: z.string().min(1),
  /** Milliseconds since the epoch. */
  receivedAt: z.int().nonnegative(),
  type: EventType,
  campaignId: z.int().nonnegative(),
  /** Verbatim; only connection problems have one. */
  reason: z.string().optional(),
  /** As read from Mailivery's API; only readings have one. */
  status: MailboxStatus.optional(),
  profile: MailboxProfile,
})
export type MailboxEvent = Readonly<z.infer<typeof MailboxEvent>>

/**
 * The status that an event puts its mailbox into.
 *
 * @throws TypeError for a reading without a status, which `readEnvelope` never returns
 */
export function statusOf({ type, status }: Pick<MailboxEvent, 'type' | 'status'>): MailboxStatus {
  if (type !== 'mailbox.reconciled') return statusAfter[type]
  if (status === undefined) throw new TypeError('a reading has a status')
  return status
}

/** Identifies a mailbox: a campaign id is unique only within its owner. */
export interface MailboxKey {
  readonly owner: string
  readonly campaignId: number
}

/** One string per mailbox, for maps; the campaign id comes first because an owner may contain any character. */
export function mailboxKeyOf(key: MailboxKey): string {
  return `${key.campaignId}:${key.owner}`
}
