import type { Queryable } from '@warmhook/store/database'
import {
  readMailboxesOfContacts,
  readMailboxesOfOwner,
  type StoredMailbox,
} from '@warmhook/store/mailboxes/read-mailboxes'
import type { CrmProvider, PropertyValue, RemoteContact } from '../crm-provider.ts'
import { toContactEmail, toContactState } from '../mapping/contact-state.ts'
import { mapContact, propertiesOf } from '../mapping/mapping.ts'
import type { OwnerCrm } from './crm-settings.ts'

/** A property that the CRM shows differently. Times are milliseconds since the epoch. */
export interface PropertyDifference {
  readonly property: string
  readonly inCrm: string | number | null
  readonly expected: string | number | null
}

/** A contact that differs from its mailbox. */
export interface ContactDifference {
  readonly email: string
  readonly campaignId: number
  readonly lastEventId: string
  /** The CRM has no such contact. */
  readonly isMissing: boolean
  readonly properties: readonly PropertyDifference[]
}

export interface Comparison {
  readonly checked: number
  readonly differences: readonly ContactDifference[]
  /** The campaign to continue after; undefined at the end. */
  readonly next: number | undefined
}

export interface CompareDeps {
  readonly db: Queryable
  readonly crm: OwnerCrm
  readonly provider: CrmProvider
  readonly isShared: boolean
  readonly signal: AbortSignal
}

/** CRMs keep times with different precision, the least precise of them to the second. */
const timePrecisionMs = 1_000

/**
 * Compares one page of an owner's mailboxes with the CRM.
 *
 * @throws CrmCallError
 */
export async function compareContacts(owner: string, after: number, deps: CompareDeps): Promise<Comparison> {
  const { db, crm, provider, isShared, signal } = deps
  const limit = provider.readMax
  const page = await readMailboxesOfOwner(db, owner, { after, limit })
  const emails = new Set(page.flatMap(({ timeline }) => toContactEmail(timeline.mailbox?.profile.email) ?? []))
  const shown = await readMailboxesOfContacts(
    db,
    [...emails].map((email) => ({ email, owner })),
    isShared,
  )
  const expected = [...shown].flatMap(([email, mailbox]) => expectContact(email, mailbox, crm) ?? [])
  const read = await provider.readContacts(
    expected.map(({ email }) => email),
    propertiesOf(crm.mapping),
    signal,
  )
  return {
    checked: page.length,
    differences: expected.flatMap((each) => differ(each, read.get(each.email), crm) ?? []),
    next: page.length < limit ? undefined : page.at(-1)?.key.campaignId,
  }
}

interface ExpectedContact {
  readonly email: string
  readonly campaignId: number
  readonly lastEventId: string
  readonly values: readonly PropertyValue[]
}

/** Undefined if the contact may look like anything. */
function expectContact(email: string, { key, timeline }: StoredMailbox, crm: OwnerCrm): ExpectedContact | undefined {
  const state = toContactState(key, timeline)
  if (state === undefined || (state.status === 'removed' && crm.onDelete !== 'mark')) return undefined
  const lastEventId = timeline.mailbox?.lastEventId ?? ''
  return { email, campaignId: key.campaignId, lastEventId, values: mapContact(crm.mapping, state) }
}

function differ(
  { values, ...about }: ExpectedContact,
  found: RemoteContact | undefined,
  { mode }: OwnerCrm,
): ContactDifference | undefined {
  if (found === undefined) return mode === 'upsert' ? { ...about, isMissing: true, properties: [] } : undefined
  const properties = values.flatMap(({ property, value }) => {
    const inCrm = found.values.get(property.name) ?? null
    return isSame(property.type, inCrm, value) ? [] : [{ property: property.name, inCrm, expected: value }]
  })
  return properties.length === 0 ? undefined : { ...about, isMissing: false, properties }
}

function isSame(type: string, one: string | number | null, other: string | number | null): boolean {
  if (type !== 'datetime' || typeof one !== 'number' || typeof other !== 'number') return one === other
  return Math.abs(one - other) < timePrecisionMs
}
