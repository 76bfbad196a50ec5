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

/**
 * The body of a run's n-th event. Some repeat the payload of one just before, for the same mailbox: then the number stands
 * behind the payload, in white space, which no payload consists of.
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

/** Which event of the run a stored body is; undefined for a stranger. */
export function numberOf(body: string): number | undefined {
  const mark = /\n([ \t]+)$/.exec(body)?.[1]
  if (mark !== undefined) return Number.parseInt(mark.replaceAll(' ', '0').replaceAll('\t', '1'), 2)
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
