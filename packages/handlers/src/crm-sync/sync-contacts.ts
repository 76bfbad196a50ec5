import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ContactResult } from '@warmhook/crm/crm-provider'
import { toContactEmail } from '@warmhook/crm/mapping/contact-state'
import { done, retry, type Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { findContactsOfOthers, leaseContacts } from '@warmhook/store/crm-sync/lease-contacts'
import { readEmails } from '@warmhook/store/mailboxes/read-emails'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { PeerGate, PeerVerdict } from '@warmhook/peer/create-peer-gate'
import type { FoldEvents } from '../share-folds.ts'
import { writeContacts, type Contact, type SyncDeps } from './write-contacts.ts'

/** Longer than the handler's timeout. The contacts of a dead worker are blocked for this long. */
const leaseMs = 25_000
/** Batches overlap: briefly waiting for another worker's call is cheaper than another attempt at the job. */
const leaseWaitMs = 3_000
const leasePollMs = 100

export interface SyncContactsDeps extends Omit<SyncDeps, 'isFirst' | 'onResults'> {
  readonly fold: FoldEvents
  readonly gate: PeerGate
}

/**
 * Writes the current state of the events' mailboxes to the CRM. The events are folded first, and the state is read
 * while the contact is leased. So the last write includes every event, in whatever order the calls run.
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
    await pass.leave(toVerdict(results, deps.breaker.refusal()))
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

/** A refusal applies to the account unless other contacts were accepted in the same call; a rate limit always does. */
function toVerdict(results: readonly ContactResult[], broken: PeerRefusal | undefined): PeerVerdict {
  const refusals = results.flatMap((result) => (result.status === 'hold' ? (result.refusal ?? []) : []))
  const limit = refusals.find(({ cause }) => cause === 'limited')
  if (limit !== undefined) return limit
  const isIn = (status: ContactResult['status']) => results.some((result) => result.status === status)
  if (isIn('written') || isIn('skipped')) return 'answers'
  return refusals[0] ?? broken ?? (isIn('rejected') ? 'answers' : 'unknown')
}

/** Groups by owner, unless contacts are shared, and by the mailbox's current address, which may not be the event's. */
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
      for (const event of group) outcomes.set(event.id, done('the mailbox has no e-mail address that a CRM accepts'))
      return []
    })
  })
}

/** Writes those of the contacts that no other worker is writing, and returns the others. */
async function syncFreeContacts(
  contacts: readonly Contact[],
  signal: AbortSignal,
  deps: SyncDeps,
  outcomes: Map<string, Outcome>,
): Promise<readonly Contact[]> {
  if (contacts.length === 0) return []
  const { db, account, isShared } = deps
  const leaseId = randomUUID()
  const leased = await leaseContacts(db, account, contacts, { leaseId, leaseMs, isShared })
  const leases = new Map(leased.map((lease) => [nameOf(lease), lease]))
  const mine = contacts.flatMap((contact) => {
    const lease = leases.get(nameOf(contact))
    return lease === undefined ? [] : [{ ...contact, syncedHash: lease.syncedHash, remoteId: lease.remoteId }]
  })
  if (mine.length > 0) {
    const results = await writeContacts(mine, leaseId, signal, deps)
    for (const contact of mine)
      settle(contact, results.get(contact.email) ?? retry('the write of the contact has no result'), outcomes)
  }
  const others = contacts.filter((contact) => !leases.has(nameOf(contact)))
  return isShared ? others : settleOthers(others, deps, outcomes)
}

/** Settles contacts that belong to another owner's mailbox, without writing them or naming that owner. */
async function settleOthers(
  contacts: readonly Contact[],
  { db, account }: SyncDeps,
  outcomes: Map<string, Outcome>,
): Promise<readonly Contact[]> {
  if (contacts.length === 0) return []
  const ofOthers = new Set((await findContactsOfOthers(db, account, contacts)).map(nameOf))
  return contacts.filter((contact) => {
    if (!ofOthers.has(nameOf(contact))) return true
    settle(contact, done('the contact with this address belongs to another owner (CRM_SHARED_BY_OWNERS)'), outcomes)
    return false
  })
}

function nameOf({ email, owner }: Pick<Contact, 'email' | 'owner'>): string {
  return `${email} ${owner}`
}

function settle({ events }: Contact, outcome: Outcome, outcomes: Map<string, Outcome>): void {
  for (const event of events) outcomes.set(event.id, outcome)
}
