import { hash, randomUUID } from 'node:crypto'
import { discard, done, retry, type Outcome } from '@warmhook/queue/outcome'
import { mailboxKeyOf, type MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { leaseContacts, type LeasedContact } from '@warmhook/store/crm-sync/lease-contacts'
import { readFolded } from '@warmhook/store/mailboxes/fold-events'
import { settleContacts, type SettledContact } from '@warmhook/store/crm-sync/settle-contacts'
import type { ContactRecord, ContactResult, CrmProvider } from './crm-provider.ts'
import { toContactEmail, toContactRecord } from './to-contact-record.ts'

export interface SyncDeps {
  readonly db: Database
  readonly provider: CrmProvider
  readonly now: () => number
}

/** A contact of the batch, and the events that ask for its write. */
interface Contact {
  readonly owner: string
  readonly email: string
  readonly events: readonly MailboxEvent[]
}

/** Longer than the handler's time limit; a dead worker's contacts wait as long. */
const leaseMs = 25_000
const leaseRetryMs = 250

/**
 * Writes the present state of the events' mailboxes to the CRM. The state is read after the contact's lease is held, so
 * the last write of any order of runs has seen every event; nothing is written over a later state.
 */
export async function syncContacts(
  events: readonly MailboxEvent[],
  signal: AbortSignal,
  { db, provider, now }: SyncDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const contacts = await groupByContact(db, events, outcomes)
  const leaseId = randomUUID()
  const leased = await leaseContacts(
    db,
    provider.name,
    contacts.map(({ owner, email }) => ({ owner, email })),
    { leaseId, leaseMs },
  )
  const leases = new Map(leased.map((lease) => [keyOf(lease), lease]))
  const held = contacts.filter((contact) => leases.has(keyOf(contact)))
  for (const contact of contacts) {
    if (!leases.has(keyOf(contact)))
      settle(contact, retry('another worker is writing this contact', now() + leaseRetryMs), outcomes)
  }
  let settled: readonly SettledContact[] = held.map(({ owner, email }) => ({ owner, email }))
  try {
    const plans = await planWrites(db, held, leases)
    const results = await writeAll(plans, provider, signal)
    settled = plans.map((plan) => toSettled(plan, results))
    for (const plan of plans) settle(plan.contact, toOutcome(plan, results), outcomes)
  } finally {
    const own = new Set((await settleContacts(db, provider.name, leaseId, settled)).map(keyOf))
    for (const contact of held) {
      if (!own.has(keyOf(contact)))
        settle(contact, retry('the lease on this contact ran out during the write'), outcomes)
    }
  }
  return outcomes
}

/** By the address that the events give, else by the mailbox's known one. Mailboxes without any need no contact. */
async function groupByContact(
  db: Database,
  events: readonly MailboxEvent[],
  outcomes: Map<string, Outcome>,
): Promise<readonly Contact[]> {
  const silent = events.filter((event) => event.profile.email === undefined)
  const known = silent.length === 0 ? undefined : await readFolded(db, silent)
  const byContact = new Map<string, { owner: string; email: string; events: MailboxEvent[] }>()
  for (const event of events) {
    const address = event.profile.email ?? known?.get(mailboxKeyOf(event))?.mailbox?.profile.email ?? ''
    const contact = { owner: event.owner, email: toContactEmail(address) }
    if (contact.email === '') {
      outcomes.set(event.id, done('the mailbox has no e-mail address'))
      continue
    }
    const key = keyOf(contact)
    const group = byContact.get(key) ?? { ...contact, events: [] }
    group.events.push(event)
    byContact.set(key, group)
  }
  return [...byContact.values()]
}

interface Plan {
  readonly contact: Contact
  /** Undefined when there is nothing to write; `note` says why. */
  readonly record: ContactRecord | undefined
  readonly hash: string
  readonly note: string
}

async function planWrites(
  db: Database,
  contacts: readonly Contact[],
  leases: ReadonlyMap<string, LeasedContact>,
): Promise<readonly Plan[]> {
  const timelines = await readFolded(
    db,
    contacts.flatMap((contact) => contact.events),
  )
  return contacts.map((contact) => {
    const records = [...Map.groupBy(contact.events, mailboxKeyOf)].flatMap(([key, [event]]) => {
      const timeline = timelines.get(key)
      return event === undefined || timeline === undefined ? [] : (toContactRecord(event, timeline) ?? [])
    })
    // Several mailboxes can share an address: the contact shows the one with the latest event.
    const latest = records
      .filter((record) => record.email === contact.email)
      .reduce<ContactRecord | undefined>(
        (best, record) => (best === undefined || record.traceId > best.traceId ? record : best),
        undefined,
      )
    return planWrite(contact, latest, leases.get(keyOf(contact)))
  })
}

function planWrite(contact: Contact, record: ContactRecord | undefined, lease: LeasedContact | undefined): Plan {
  if (record === undefined) return { contact, record, hash: '', note: 'a later event gave the mailbox another address' }
  const digest = hash('sha256', JSON.stringify(record))
  const synced = lease?.syncedEventId ?? ''
  if (record.traceId < synced) return { contact, record: undefined, hash: digest, note: 'the CRM has a later state' }
  if (digest === lease?.syncedHash) return { contact, record: undefined, hash: digest, note: 'the CRM has this state' }
  return { contact, record, hash: digest, note: '' }
}

/** The owners' contacts go in calls of their own: equal addresses of two owners must not meet in one batch. */
async function writeAll(
  plans: readonly Plan[],
  provider: CrmProvider,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ContactResult>> {
  const results = new Map<string, ContactResult>()
  for (const group of Map.groupBy(plans, (plan) => plan.contact.owner).values()) {
    const records = group.flatMap((plan) => plan.record ?? [])
    if (records.length === 0) continue
    for (const [traceId, result] of await provider.upsertContacts(records, signal)) results.set(traceId, result)
  }
  return results
}

function toSettled(
  { contact: { owner, email }, record, hash: digest }: Plan,
  results: ReadonlyMap<string, ContactResult>,
): SettledContact {
  const result = record && results.get(record.traceId)
  if (record === undefined || result?.status !== 'written') return { owner, email }
  return { owner, email, written: { eventId: record.traceId, hash: digest, remoteId: result.remoteId } }
}

function toOutcome({ record, note }: Plan, results: ReadonlyMap<string, ContactResult>): Outcome {
  if (record === undefined) return done(note)
  const result = results.get(record.traceId)
  switch (result?.status) {
    case undefined:
      return retry("the CRM's answer does not mention the contact")
    case 'written':
      return done()
    case 'rejected':
      return discard(result.reason)
    case 'retry':
      return retry(result.reason, result.notBefore)
  }
}

function settle(contact: Contact, outcome: Outcome, outcomes: Map<string, Outcome>): void {
  for (const event of contact.events) outcomes.set(event.id, outcome)
}

function keyOf({ owner, email }: { readonly owner: string; readonly email: string }): string {
  return JSON.stringify([owner, email])
}
