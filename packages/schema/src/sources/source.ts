import type { EventType, MailboxProfile } from '../mailbox-event.ts'

/** What a source's adapter reads out of a payload. */
export interface EventContent {
  readonly type: EventType
  readonly campaignId: number
  readonly reason?: string
  readonly profile: MailboxProfile
}

/** Why a payload could not be read. */
export interface PayloadIssue {
  readonly code: string
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** `issue` groups equal faults; it holds no data of the payload other than names of fields and types. */
export interface Refusal {
  readonly ok: false
  readonly issue: string
  readonly issues: readonly PayloadIssue[]
}

/** What an adapter says of one payload. */
export type PayloadVerdict =
  /** `warnings` name fields that are not as documented, and what was made of them; they hold nothing of a person's. */
  { readonly ok: true; readonly content: EventContent; readonly warnings: readonly string[] } | Refusal

/** One kind of sender. A new one is a folder beside `mailivery` and a line in the registry. */
export interface Source {
  readonly name: string
  /** The request header with the sender's own id of a delivery, lower case. */
  readonly deliveryIdHeader: string
  readPayload(payload: unknown): PayloadVerdict
}
