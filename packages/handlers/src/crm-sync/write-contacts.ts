import { hash } from 'node:crypto'
import type { CrmMode, CrmOnDelete } from '@warmhook/config/crm-fields'
import type { CrmBreaker } from '@warmhook/crm/create-crm-breaker'
import type { ContactRecord, ContactResult } from '@warmhook/crm/crm-provider'
import { toContactEmail, toContactState, type ContactState } from '@warmhook/crm/mapping/contact-state'
import { mapContact, type Mapping } from '@warmhook/crm/mapping/mapping'
import { discard, done, hold, retry, type Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { settleContacts, type SettledContact } from '@warmhook/store/crm-sync/settle-contacts'
import type { Database } from '@warmhook/store/database'
import { readMailboxes, readMailboxesOfContacts, type StoredMailbox } from '@warmhook/store/mailboxes/read-mailboxes'

export interface SyncDeps {
  readonly db: Database
  readonly breaker: CrmBreaker
  /** The account's id in `crm_sync`. */
  readonly account: string
  readonly mode: CrmMode
  readonly onDelete: CrmOnDelete
  readonly mappingOf: (owner: string) => Mapping
  /** A contact can show any owner's mailbox. */
  readonly isShared: boolean
  /** The first call after the account has refused everything. */
  readonly isFirst: boolean
  /** Called with the CRM's results. */
  readonly onResults: (results: Iterable<ContactResult>) => void
  readonly now: () => number
}

/** A contact of the batch, and the events that require its write. */
export interface Contact {
  /** In lower case. */
  readonly email: string
  readonly owner: string
  readonly events: readonly EventRef[]
}

/** A contact that the caller has leased. */
export interface HeldContact extends Contact {
  /** Hash of the contact's state in the CRM; null if that is not known for sure. */
  readonly syncedHash: string | null
  readonly remoteId: string | null
}

/** Brings leased contacts up to date and ends their leases, whatever happens. Returns outcomes by e-mail. */
export async function writeContacts(
  contacts: readonly HeldContact[],
  leaseId: string,
  signal: AbortSignal,
  deps: SyncDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const { db, breaker, account, mode, onDelete, isFirst, onResults, now } = deps
  let settled: readonly SettledContact[] = contacts.map(({ email }) => ({ email, write: 'in doubt' }))
  let outcomes = new Map<string, Outcome>()
  try {
    const plans = await planWrites(contacts, deps)
    const records = plans.flatMap(({ record }) => record ?? [])
    const results =
      records.length === 0
        ? noResults
        : await breaker.upsertMany(records, { signal, isFirst, mode, archives: onDelete === 'archive' })
    onResults(results.values())
    settled = plans.map((plan) => toSettled(plan, results))
    outcomes = new Map(plans.map((plan) => [plan.email, toOutcome(plan, results, now())]))
  } finally {
    const own = new Set(await settleContacts(db, account, leaseId, settled))
    for (const { email } of contacts)
      if (!own.has(email)) outcomes.set(email, retry('the lease on this contact expired during the write'))
  }
  return outcomes
}

const noResults: ReadonlyMap<string, ContactResult> = new Map()

interface Plan {
  readonly email: string
  /** Undefined if there is nothing to write; `otherwise` is the outcome then. */
  readonly record: ContactRecord | undefined
  readonly hash: string
  readonly note: string | undefined
  readonly otherwise: Outcome
}

async function planWrites(contacts: readonly HeldContact[], deps: SyncDeps): Promise<readonly Plan[]> {
  const { db, isShared } = deps
  const shown = await readMailboxesOfContacts(db, contacts, isShared)
  // An address with a letter that the database cannot convert to lower case is treated as used by this mailbox only.
  const others = contacts.flatMap(({ email, events }) => (shown.has(email) ? [] : events.slice(0, 1)))
  const own = others.length === 0 ? noMailboxes : await readMailboxes(db, others)
  return contacts.flatMap((contact) => {
    const [event] = contact.events
    const mailbox = shown.get(contact.email) ?? (event && own.get(mailboxKeyOf(event)))
    if (mailbox === undefined) return []
    const isOfAnother = contact.events.every((candidate) => mailboxKeyOf(candidate) !== mailboxKeyOf(mailbox.key))
    const note = isOfAnother
      ? `the contact shows campaign ${mailbox.key.campaignId}, which has the same address`
      : undefined
    return [planWrite(contact, mailbox, deps, note)]
  })
}

const noMailboxes: ReadonlyMap<string, StoredMailbox> = new Map()

function planWrite(contact: HeldContact, { key, timeline }: StoredMailbox, deps: SyncDeps, note?: string): Plan {
  const { email, syncedHash } = contact
  const nothing = { email, record: undefined, hash: '', note }
  const state = toContactState(key, timeline)
  if (state === undefined || toContactEmail(timeline.mailbox?.profile.email) !== email)
    return { ...nothing, otherwise: retry("the mailbox's address has changed") }
  if (state.status === 'removed' && deps.onDelete === 'leave')
    return { ...nothing, otherwise: done('the contact of a removed mailbox is left as it is (CRM_ON_DELETE)') }
  const record = toRecord(contact, state, timeline.mailbox?.lastEventId ?? '', deps.mappingOf(key.owner))
  const digest = hashOf(record)
  if (digest === syncedHash) return { ...nothing, otherwise: done(note ?? 'the CRM already has this state') }
  return { email, record, hash: digest, note, otherwise: done(note) }
}

function toRecord(
  { email, remoteId }: HeldContact,
  state: ContactState,
  traceId: string,
  mapping: Mapping,
): ContactRecord {
  const { firstName, lastName, campaignId } = state
  const about = { email, remoteId, firstName, lastName, campaignId, traceId }
  return { ...about, isRemoved: state.status === 'removed', values: mapContact(mapping, state) }
}

/** Of what is written to a contact. The trace id identifies the write, not the state. */
function hashOf({ email, isRemoved, values }: ContactRecord): string {
  const written = values.map(({ property, value }) => [property.name, value])
  return hash('sha256', JSON.stringify([email, isRemoved, written]))
}

function toSettled(plan: Plan, results: ReadonlyMap<string, ContactResult>): SettledContact {
  const { email, record } = plan
  if (record === undefined) return { email, write: 'none' }
  const result = results.get(record.traceId)
  if (result?.status === 'rejected' || result?.status === 'skipped') return { email, write: 'none' }
  if (result?.status !== 'written') return { email, write: 'in doubt' }
  return { email, write: { eventId: record.traceId, hash: plan.hash, remoteId: result.remoteId } }
}

function toOutcome(
  { record, note, otherwise }: Plan,
  results: ReadonlyMap<string, ContactResult>,
  now: number,
): Outcome {
  if (record === undefined) return otherwise
  const result = results.get(record.traceId)
  switch (result?.status) {
    case undefined:
      return retry("the CRM's answer does not mention the contact")
    case 'written':
      return done(note)
    case 'skipped':
      return done(note === undefined ? result.reason : `${note}; ${result.reason}`)
    case 'rejected':
      return discard(result.reason)
    case 'retry':
      return retry(result.reason)
    case 'hold':
      return hold(result.reason, now + result.waitMs)
  }
}
