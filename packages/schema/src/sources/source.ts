import type { EventType, MailboxProfile, MailboxStatus } from '../mailbox-event.ts'

/** What a source's adapter reads from a payload. */
export interface EventContent {
  readonly type: EventType
  readonly campaignId: number
  readonly reason?: string
  readonly status?: MailboxStatus
  readonly profile: MailboxProfile
}

/** Why a payload could not be read. */
export interface PayloadIssue {
  readonly code: string
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** `issue` groups equal problems; it contains no payload data except names of fields and types. */
export interface Refusal {
  readonly ok: false
  readonly issue: string
  readonly issues: readonly PayloadIssue[]
}

/** An adapter's result for one payload. */
export type PayloadVerdict =
  /** `warnings` name fields that are not as documented and how they were read; they contain no personal data. */
  { readonly ok: true; readonly content: EventContent; readonly warnings: readonly string[] } | Refusal

/** One kind of sender. A new one is a folder beside `mailivery` and a line in the registry. */
export interface Source {
  readonly name: string
  /** The request header with the sender's own delivery id, in lower case. */
  readonly deliveryIdHeader: string
  readPayload(payload: unknown): PayloadVerdict
}
