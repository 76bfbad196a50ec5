import type { EventType } from '@warmhook/schema/mailbox-event'

// Alternating problems and updates open and close pauses; the other types must not be mistaken for them.
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

/** Every tenth event is about one of these mailboxes, so that their events are processed concurrently. */
const busyMailboxes = 20

/**
 * The body of a run's n-th event. Some events repeat the payload of a recent event of the same mailbox; their number is
 * then encoded as white space after the payload, which is not part of it.
 */
export function chaosEvent(n: number, mailboxes: number): string {
  const first = payloadOf(n)
  const payload = writePayload(first, mailboxes)
  return first === n ? payload : `${payload}\n${n.toString(2).replaceAll('0', ' ').replaceAll('1', '\t')}`
}

/** The first event of the run with the same payload as event `n`. */
export function payloadOf(n: number): number {
  if (n % 20 === 1 || n % 20 === 2) return n - (n % 20)
  return n % 50 === 7 ? n - 1 : n
}

function writePayload(n: number, mailboxes: number): string {
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

/** The number of the event with this stored body; undefined if the run did not send it. */
export function numberOf(body: string): number | undefined {
  const mark = /\n([ \t]+)$/.exec(body)?.[1]
  if (mark !== undefined) return Number.parseInt(mark.replaceAll(' ', '0').replaceAll('\t', '1'), 2)
  const digits = /"first_name":"Event (\d+)"/.exec(body)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function mailboxOf(n: number, mailboxes: number): number {
  // 7919 is prime, so that every mailbox is used.
  return n % 10 === 0 ? (n / 10) % busyMailboxes : (n * 7_919) % mailboxes
}

function emailOf(mailbox: number): string {
  return `m${mailbox}@chaos.example`
}

function scramble(n: number): number {
  const mixed = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
