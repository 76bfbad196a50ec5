import { Buffer } from 'node:buffer'
import { formatUuid } from './format-uuid.ts'
import type { MailboxKey } from './mailbox-event.ts'

/** Refers to an event without containing it. */
export interface EventRef extends MailboxKey {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

/** The time of arrival is the first 48 bits of a UUIDv7: RFC 9562 section 5.7. */
export function toEventRef({ id, owner, campaignId }: MailboxKey & { readonly id: string }): EventRef {
  return { id, owner, campaignId, receivedAt: Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) }
}

/** An owner and the references to its events as text: `AZrC…:216 AZrD…:217`. */
export type PackedRefs = [owner: string, text: string]

/** About thirty bytes per reference: the id as base64url, then the campaign. */
export function packRefs(refs: readonly EventRef[]): PackedRefs[] {
  return groupByOwner(refs).map(([owner, group]) => [
    owner,
    group.map(({ id, campaignId }) => `${toShortId(id)}:${campaignId}`).join(' '),
  ])
}

/** The order in which `packRefs` writes references. */
export function inPackedOrder(refs: readonly EventRef[]): readonly EventRef[] {
  return groupByOwner(refs).flatMap(([, group]) => group)
}

/** @throws TypeError if the text is not in the format of `packRefs` */
export function unpackRefs(packed: readonly PackedRefs[]): readonly EventRef[] {
  return packed.flatMap(([owner, text]) => text.split(' ').map((ref) => unpackRef(owner, ref)))
}

function groupByOwner(refs: readonly EventRef[]): readonly (readonly [string, readonly EventRef[]])[] {
  return [...Map.groupBy(refs, ({ owner }) => owner)]
}

function toShortId(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
}

function unpackRef(owner: string, text: string): EventRef {
  const [, shortId, campaign] = /^([\w-]{22}):(\d+)$/.exec(text) ?? []
  if (shortId === undefined) throw new TypeError(`not an event reference: ${text.slice(0, 40)}`)
  const hex = Buffer.from(shortId, 'base64url').toString('hex')
  return toEventRef({ id: formatUuid(hex), owner, campaignId: Number(campaign) })
}
