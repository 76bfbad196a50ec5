import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { done, retry, type Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { findContactsOfOthers, leaseContacts } from '@warmhook/store/crm-sync/lease-contacts'
import { readEmails } from '@warmhook/store/mailboxes/read-emails'
import type { PeerGate, PeerVerdict } from '../peer/create-peer-gate.ts'
import type { FoldEvents } from '../share-folds.ts'
import type { ContactResult } from './crm-provider.ts'
import { toContactEmail } from './to-contact-record.ts'
import { writeContacts, type Contact, type SyncDeps } from './write-contacts.ts'

/** Longer than the handler's time limit; a dead worker's contacts wait as long. */
const leaseMs = 25_000
/** Batches overlap: a short wait for another worker's call is cheaper than another attempt at the job. */
const leaseWaitMs = 3_000
const leasePollMs = 100

export interface SyncContactsDeps extends Omit<SyncDeps, 'isFirst' | 'onResults'> {
  readonly fold: FoldEvents
  readonly gate: PeerGate
}

/**
 * Writes the present state of the events' mailboxes to the CRM. The events are folded first, and the state is read
 * while the contact is leased: so the last write of any order of runs has seen every event.
 */
export async function syncContacts(
  events: readonly EventRef[],
  signal: AbortSignal,
  { fold, gate, ...deps }: SyncContactsDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const pass = await gate.enter()
  if (pass.status !== 'open') return new Map(events.map(({ id }) => [id, pass.outcome]))
  const results: ContactResult[] = []
  const seen = { ...deps, isFirst: pass.isFirst, onResults: (each: Iterable<ContactResult>) => results.push(...each) }
  try {
    await fold(events)
    return await syncLeased(events, signal, seen)
  } finally {
    await pass.leave(toVerdict(results))
  }
}

async function syncLeased(
  events: readonly EventRef[],
  signal: AbortSignal,
  deps: SyncDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const emails = await readEmails(deps.db, events)
  let waiting = groupByContact(events, emails, deps.isShared, outcomes)
  for (let waitedMs = 0; ; waitedMs += leasePollMs) {
    waiting = await syncFreeContacts(waiting, signal, deps, outcomes)
    if (waiting.length === 0 || waitedMs >= leaseWaitMs || signal.aborted) break
    await delay(leasePollMs)
  }
  for (const contact of waiting) settle(contact, retry('another worker is writing this contact'), outcomes)
  return outcomes
}

/** A refusal concerns the account, unless it took other contacts at the same time; a limit concerns it always. */
function toVerdict(results: readonly ContactResult[]): PeerVerdict {
  const refusals = results.flatMap((result) => (result.status === 'hold' ? (result.refusal ?? []) : []))
  const limit = refusals.find(({ cause }) => cause === 'limited')
  if (limit !== undefined) return limit
  const isIn = (status: ContactResult['status']) => results.some((result) => result.status === status)
  if (isIn('written')) return 'answers'
  return refusals[0] ?? (isIn('rejected') ? 'answers' : 'unknown')
}

/** By owner, unless they share contacts, and by the mailbox's present address, which need not be the event's. Mailboxes without one need no contact. */
function groupByContact(
  events: readonly EventRef[],
  emails: ReadonlyMap<string, string>,
  isShared: boolean,
  outcomes: Map<string, Outcome>,
): readonly Contact[] {
  const byOwner = Map.groupBy(events, ({ owner }) => (isShared ? 'all' : owner))
  return [...byOwner.values()].flatMap((own) => {
    const groups = Map.groupBy(own, (event) => toContactEmail(emails.get(mailboxKeyOf(event))))
    return [...groups].flatMap(([email, group]) => {
      if (email !== undefined) return group.slice(0, 1).map(({ owner }) => ({ email, owner, events: group }))
      for (const event of group) outcomes.set(event.id, done('the mailbox has no e-mail address that a CRM could take'))
      return []
    })
  })
}

/** Writes those of the contacts that nobody else is writing, and returns the others. */
async function syncFreeContacts(
  contacts: readonly Contact[],
  signal: AbortSignal,
  deps: SyncDeps,
  outcomes: Map<string, Outcome>,
): Promise<readonly Contact[]> {
  if (contacts.length === 0) return []
  const { db, provider, isShared } = deps
  const leaseId = randomUUID()
  const leased = await leaseContacts(db, provider.name, contacts, { leaseId, leaseMs, isShared })
  const leases = new Map(leased.map((lease) => [nameOf(lease), lease]))
  const mine = contacts.flatMap((contact) => {
    const lease = leases.get(nameOf(contact))
    return lease === undefined ? [] : [{ ...contact, syncedHash: lease.syncedHash }]
  })
  if (mine.length > 0) {
    const results = await writeContacts(mine, leaseId, signal, deps)
    for (const contact of mine)
      settle(contact, results.get(contact.email) ?? retry('the write of the contact was left open'), outcomes)
  }
  const others = contacts.filter((contact) => !leases.has(nameOf(contact)))
  return isShared ? others : settleOthers(others, deps, outcomes)
}

/** An owner's webhook leaves alone what another owner's mailbox has; whose it is, is not told. */
async function settleOthers(
  contacts: readonly Contact[],
  { db, provider }: SyncDeps,
  outcomes: Map<string, Outcome>,
): Promise<readonly Contact[]> {
  if (contacts.length === 0) return []
  const ofOthers = new Set((await findContactsOfOthers(db, provider.name, contacts)).map(nameOf))
  return contacts.filter((contact) => {
    if (!ofOthers.has(nameOf(contact))) return true
    settle(contact, done("the contact of this address is another owner's (CRM_SHARED_BY_OWNERS)"), outcomes)
    return false
  })
}

function nameOf({ email, owner }: Pick<Contact, 'email' | 'owner'>): string {
  return `${email} ${owner}`
}

function settle({ events }: Contact, outcome: Outcome, outcomes: Map<string, Outcome>): void {
  for (const event of events) outcomes.set(event.id, outcome)
}
