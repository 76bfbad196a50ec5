import { inflateBody, sniffContentEncoding } from './content-encoding.ts'
import { decodeBody, encodeBody, type Envelope } from './envelope.ts'
import type { MailboxEvent } from './mailbox-event.ts'
import { payloadHash } from './payload-hash.ts'
import { readText } from './read-text.ts'
import { envelopeSources } from './sources/registry.ts'
import type { Refusal } from './sources/source.ts'

/** The result of reading an envelope. */
export type EnvelopeVerdict =
  | {
      readonly ok: true
      readonly event: MailboxEvent
      readonly payloadHash: string
      /** Deviations of the body from the documentation, and how they were read. */
      readonly warnings: readonly string[]
    }
  | Refusal

/** Whether a body is compressed, by its Content-Encoding or first bytes; `readCompressedEnvelope` reads such bodies. */
export function isCompressed({ contentEncoding, encoding, body }: Envelope): boolean {
  return (
    contentEncoding !== undefined || (encoding === 'base64' && sniffContentEncoding(firstBytes(body)) !== undefined)
  )
}

function firstBytes(body: string): Buffer {
  return Buffer.from(body.slice(0, 8), 'base64')
}

/**
 * Reads a compressed body, which may inflate to `maxBytes`. If it is not compressed as the sender says, it is read as
 * is. Never throws on bad input.
 */
export async function readCompressedEnvelope(envelope: Envelope, maxBytes: number): Promise<EnvelopeVerdict> {
  const bytes = decodeBody(envelope)
  const coding = envelope.contentEncoding ?? sniffContentEncoding(bytes)
  if (coding === undefined) return readEnvelope(envelope)
  const inflated = await inflateBody(bytes, coding, maxBytes)
  const verdict = inflated.ok ? readEnvelope({ ...envelope, ...encodeBody(inflated.bytes) }) : inflated
  if (verdict.ok)
    return envelope.contentEncoding === undefined
      ? withWarning(verdict, `body: is ${coding} without a Content-Encoding, inflated`)
      : verdict
  // Plain text can be a valid raw deflate stream.
  const plain = readEnvelope(envelope)
  return plain.ok ? withWarning(plain, 'body: is not compressed as Content-Encoding says, read as is') : verdict
}

function withWarning(verdict: EnvelopeVerdict & { readonly ok: true }, warning: string): EnvelopeVerdict {
  return { ...verdict, warnings: [warning, ...verdict.warnings] }
}

/** Reads an envelope's body as an event of its source, or returns why it is not one. Never throws on bad input. */
export function readEnvelope(envelope: Envelope): EnvelopeVerdict {
  const source = envelopeSources.get(envelope.source)
  if (source === undefined) return refuse('unknown source', `unknown source "${envelope.source}"`)
  const { text, charset } = readText(envelope)
  const payload = parseJson(text)
  const verdict = payload === undefined ? refuse('not JSON', 'the body is not JSON') : source.readPayload(payload)
  if (!verdict.ok) return charset === 'Windows-1252' ? refuse('not UTF-8', 'the body is not UTF-8 text') : verdict
  const { id, owner, receivedAt } = envelope
  return {
    ok: true,
    event: { id, source: source.name, owner, receivedAt, ...verdict.content },
    payloadHash: payloadHash(payload),
    warnings:
      charset === undefined ? verdict.warnings : [`body: is not UTF-8, read as ${charset}`, ...verdict.warnings],
  }
}

function refuse(issue: string, message: string): Refusal {
  return { ok: false, issue, issues: [{ code: issue.replaceAll(' ', '_').toLowerCase(), path: [], message }] }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
