import { createHash } from 'node:crypto'
import { z } from 'zod'
import { encodeBody, type Envelope } from '../../envelope.ts'
import { formatUuid } from '../../format-uuid.ts'
import { MailboxProfile, MailboxStatus } from '../../mailbox-event.ts'
import type { PayloadVerdict } from '../source.ts'

/** What was read about one mailbox: the body of a `mailbox.reconciled` event. */
export const Reading = z.strictObject({
  type: z.literal('mailbox.reconciled'),
  /** The run that read it, or the event that asked for a read-back. */
  run: z.string().min(1).max(100),
  campaignId: z.int().nonnegative(),
  status: MailboxStatus,
  /** Mailivery's `status_code`, verbatim; null if the campaign no longer exists. */
  statusCode: z.string().max(1_000).nullable(),
  /** When the reading began, in ISO 8601. */
  startedAt: z.iso.datetime(),
  profile: MailboxProfile,
})
export type Reading = Readonly<z.infer<typeof Reading>>

/** Reads the body of a reading. Never throws. */
export function readReading(payload: unknown): PayloadVerdict {
  const { success, data, error } = Reading.safeParse(payload)
  if (success) {
    const { type, campaignId, status, profile } = data
    return { ok: true, content: { type, campaignId, status, profile }, warnings: [] }
  }
  const issues = error.issues.map(({ code, path, message }) => ({
    code,
    path: path.map((part) => (typeof part === 'symbol' ? String(part) : part)),
    message,
  }))
  return { ok: false, issue: `invalid: ${issues[0]?.path.join('.') ?? 'reading'}`, issues }
}

/**
 * The envelope of a reading. It is ordered by the time when the reading began, so that any webhook that arrived later
 * decides. The same reading has the same id each time, so that it is recorded once even if it is sent again after a crash.
 */
export function toReadingEnvelope(owner: string, reading: Reading): Envelope {
  const receivedAt = Date.parse(reading.startedAt)
  const id = toReadingId(receivedAt, [owner, reading.run, reading.campaignId])
  return { id, source: 'reconcile', owner, receivedAt, ...encodeBody(Buffer.from(JSON.stringify(reading))) }
}

/** A UUIDv7 (RFC 9562 section 5.7) whose random bits are a digest of these values. */
function toReadingId(at: number, values: readonly unknown[]): string {
  const time = at.toString(16).padStart(12, '0')
  const digest = createHash('sha256').update(JSON.stringify(values)).digest('hex')
  const variant = ((Number.parseInt(digest.slice(3, 4), 16) & 0b0011) | 0b1000).toString(16)
  return formatUuid(`${time}7${digest.slice(0, 3)}${variant}${digest.slice(4, 19)}`)
}
