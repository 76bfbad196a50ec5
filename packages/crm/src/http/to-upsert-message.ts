import { createHash } from 'node:crypto'
import type { ContactRecord, PropertyValue, UpsertTerms } from '../crm-provider.ts'

/** A request to the endpoint. */
export interface UpsertMessage {
  /** The same for every attempt with the same content, in any order, so that the endpoint can drop repetitions. */
  readonly id: string
  readonly body: string
}

/** The message that writes a batch of contacts. */
export function toUpsertMessage(
  records: readonly ContactRecord[],
  { mode, archives }: Pick<UpsertTerms, 'mode' | 'archives'>,
  now: number,
): UpsertMessage {
  const contacts = records.map((record) => toContact(record, archives))
  const timestamp = new Date(now).toISOString()
  return {
    id: identify(mode, contacts),
    body: JSON.stringify({ type: 'contacts.upsert', timestamp, data: { mode, contacts } }),
  }
}

/** How many bytes of a message a contact takes, the comma included. */
export function messageSizeOf(record: ContactRecord): number {
  return Buffer.byteLength(JSON.stringify(toContact(record, false))) + 1
}

function toContact(record: ContactRecord, archives: boolean): object {
  const { traceId: id, email, remoteId, firstName, lastName, campaignId, isRemoved, values } = record
  const properties = Object.fromEntries(values.map((each) => [each.property.name, toHttpValue(each)]))
  return { id, email, remoteId, firstName, lastName, campaignId, isRemoved, archive: archives && isRemoved, properties }
}

function toHttpValue({ property, value }: PropertyValue): string | number | null {
  return value !== null && property.type === 'datetime' ? new Date(value).toISOString() : value
}

function identify(mode: UpsertTerms['mode'], contacts: readonly object[]): string {
  const states = contacts.map((contact) => JSON.stringify(contact)).toSorted()
  return `msg_${createHash('sha256')
    .update([mode, ...states].join('\n'))
    .digest('hex')}`
}
