/*
 * Glossary, used with these meanings everywhere:
 *
 * source      a kind of sender, for example `mailivery`
 * owner       whose endpoint received the webhook; a mailbox is (owner, campaignId)
 * envelope    one received request body, unchanged, with the identity that the ingress assigned
 * batch       the contents of one job: 1 to N envelopes (intake) or events (handlers)
 * event       an envelope whose body was understood: one fact about one mailbox
 * duplicate   an event that repeats the mailbox's previous event in arrival order
 * arrival order   the order of event ids: they are UUIDv7 made from `receivedAt`
 * handler     one effect of events (pause tracking, CRM sync, …), with its own queue
 * delivery    the processing of one event by one handler: attempts and outcome
 * outcome     a handler's result for one event: done, retry or discard
 * dead letter a delivery that is no longer retried automatically
 * quarantine  envelopes that were accepted but not understood, with the reasons
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { maxContentEncodingLength } from './content-encoding.ts'

/** One received request body with the identity assigned by the ingress. Fields of newer versions are accepted. */
export const Envelope = z.object({
  /** UUIDv7 whose time is `receivedAt`, so that ids sort in arrival order. */
  id: z.uuidv7(),
  source: z.string().min(1),
  owner: z.string().min(1),
  /** Milliseconds since the epoch. */
  receivedAt: z.int().nonnegative(),
  /** The body: as text if that is short and lossless, otherwise as base64. */
  body: z.string(),
  encoding: z.enum(['utf8', 'base64']),
  /** The codings of the body, as in Content-Encoding, in lower case; absent if there are none. */
  contentEncoding: z.string().min(1).max(maxContentEncodingLength).optional(),
  /** The sender's own id for this delivery, if any. */
  deliveryId: z.string().min(1).max(256).optional(),
})
export type Envelope = Readonly<z.infer<typeof Envelope>>

/** The two envelope fields that hold a body, chosen so that every byte survives JSON. */
export function encodeBody(bytes: Uint8Array): Pick<Envelope, 'body' | 'encoding'> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = isUtf8(buffer) ? buffer.toString('utf8') : undefined
  return text === undefined || longWhenEscaped.test(text)
    ? { body: buffer.toString('base64'), encoding: 'base64' }
    : { body: text, encoding: 'utf8' }
}

/** Control characters that JSON must escape with six bytes each: RFC 8259 section 7. */
// oxlint-disable-next-line no-control-regex -- these are the characters to find
const longWhenEscaped = /[\0-\x08\v\f\x0e-\x1f]/

/** The request body, byte for byte as it was received. */
export function decodeBody(envelope: Pick<Envelope, 'body' | 'encoding'>): Buffer {
  return Buffer.from(envelope.body, envelope.encoding)
}
