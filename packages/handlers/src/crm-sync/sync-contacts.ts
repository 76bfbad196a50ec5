import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { done, retry, type Outcome } from '@warmhook/queue/outcome'
import { mailboxKeyOf, type MailboxEvent } from '@warmhook/schema/mailbox-event'
import { leaseContacts } from '@warmhook/store/crm-sync/lease-contacts'
import { readEmails } from '@warmhook/store/mailboxes/read-emails'
import type { FoldEvents } from '../share-folds.ts'
import { toContactEmail } from './to-contact-record.ts'
import { writeContacts, type Contact, type SyncDeps } from './write-contacts.ts'

/** Longer than the handler's time limit; a dead worker's contacts wait as long. */
const leaseMs = 25_000
/** Batches overlap: a short wait for another worker's call is cheaper than another attempt at the job. */
const leaseWaitMs = 3_000
const leasePollMs = 100

export interface SyncContactsDeps extends SyncDeps {
  readonly fold: FoldEvents
}

/**
 * Writes the present state of the events' mailboxes to the CRM. The events are folded first, and the state is read
 * while the contact is leased: so the last write of any order of runs has seen every event.
 */
export async function syncContacts(
  events: readonly MailboxEvent[],
  signal: AbortSignal,
  deps: SyncContactsDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  await deps.fold(events)
  const emails = await readEmails(deps.db, events)
  let waiting = groupByContact(events, emails, outcomes)
  for (let waitedMs = 0; ; waitedMs += leasePollMs) {
    waiting = await syncFreeContacts(waiting, signal, deps, outcomes)
    if (waiting.length === 0 || waitedMs >= leaseWaitMs || signal.aborted) break
    await delay(leasePollMs)
  }
  for (const contact of waiting) settle(contact, retry('another worker is writing this contact'), outcomes)
  return outcomes
}

/** By the mailbox's present address, which need not be the event's. Mailboxes without one need no contact. */
function groupByContact(
  events: readonly MailboxEvent[],
  emails: ReadonlyMap<string, string>,
  outcomes: Map<string, Outcome>,
): readonly Contact[] {
  const groups = Map.groupBy(events, (event) => toContactEmail(emails.get(mailboxKeyOf(event))))
  return [...groups].flatMap(([email, group]) => {
    if (email !== undefined) return [{ email, events: group }]
    for (const event of group) outcomes.set(event.id, done('the mailbox has no e-mail address that a CRM could take'))
    return []
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
  const leaseId = randomUUID()
  const emails = contacts.map(({ email }) => email)
  const leased = await leaseContacts(deps.db, deps.provider.name, emails, { leaseId, leaseMs })
  const leases = new Map(leased.map((lease) => [lease.email, lease]))
  const mine = contacts.flatMap((contact) => {
    const lease = leases.get(contact.email)
    return lease === undefined ? [] : [{ ...contact, syncedHash: lease.syncedHash }]
  })
  if (mine.length > 0) {
    const results = await writeContacts(mine, leaseId, signal, deps)
    for (const contact of mine)
      settle(contact, results.get(contact.email) ?? retry('the write of the contact was left open'), outcomes)
  }
  return contacts.filter(({ email }) => !leases.has(email))
}

function settle({ events }: Contact, outcome: Outcome, outcomes: Map<string, Outcome>): void {
  for (const event of events) outcomes.set(event.id, outcome)
}
