import type { EventType } from '@warmhook/schema/mailbox-event'

// Problems and updates in turn make pauses; the rest is there to be told apart from them.
const types: readonly EventType[] = [
  'campaign.connection.problematic',
  'campaign.updated',
  'campaign.connection.problematic',
  'campaign.updated',
  'campaign.connection.problematic',
  'campaign.created',
  'campaign.pending',
  'campaign.updated',
  'campaign.deleted',
  'campaign.connection.problematic',
]
const reasons = ['Smtp Connection Error', 'Imap Connection Error', 'Invalid credentials']

/** Every tenth event is about one of these: their events meet in the pipeline. */
const busyMailboxes = 20

/** The body of a run's n-th event; no other event of the run has the same. */
export function chaosEvent(n: number, mailboxes: number): string {
  const mailbox = mailboxOf(n, mailboxes)
  const draw = scramble(n)
  const type = types[draw % types.length] ?? 'campaign.updated'
  const account = {
    campaign_id: mailbox,
    email: emailOf(mailbox),
    first_name: `Event ${n}`,
    provider_type: draw % 3 === 0 ? 'gmail' : 'smtp',
    tags: ['chaos', `t${draw % 7}`],
  }
  const reason = type === 'campaign.connection.problematic' ? { reason: reasons[draw % reasons.length] } : {}
  return JSON.stringify({ type, ...reason, account })
}

/** Which event of the run a stored body is; undefined for a stranger. */
export function numberOf(body: string): number | undefined {
  const digits = /"first_name":"Event (\d+)"/.exec(body)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function mailboxOf(n: number, mailboxes: number): number {
  // 7919 is a prime: each mailbox has its turn.
  return n % 10 === 0 ? (n / 10) % busyMailboxes : (n * 7_919) % mailboxes
}

function emailOf(mailbox: number): string {
  return `m${mailbox}@chaos.example`
}

function scramble(n: number): number {
  const mixed = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
