import { inflateBody, sniffContentEncoding } from './content-encoding.ts'
import { decodeBody, encodeBody, type Envelope } from './envelope.ts'
import type { MailboxEvent } from './mailbox-event.ts'
import { payloadHash } from './payload-hash.ts'
import { readText } from './read-text.ts'
import { sources } from './sources/registry.ts'
import type { Refusal } from './sources/source.ts'

/** What an envelope turned out to be. */
export type EnvelopeVerdict =
  | {
      readonly ok: true
      readonly event: MailboxEvent
      readonly payloadHash: string
      /** What of the body is not as documented, and what was made of it. */
      readonly warnings: readonly string[]
    }
  | Refusal

/** Whether a body is compressed, by what its sender says or by its first bytes: `readCompressedEnvelope` reads it then. */
export function isCompressed({ contentEncoding, encoding, body }: Envelope): boolean {
  return (
    contentEncoding !== undefined || (encoding === 'base64' && sniffContentEncoding(firstBytes(body)) !== undefined)
  )
}

function firstBytes(body: string): Buffer {
  return Buffer.from(body.slice(0, 8), 'base64')
}

/**
 * Reads a compressed body, which may inflate to `maxBytes`. One that is not what its sender says it is may be read as it
 * came. Never throws on bad input.
 */
export async function readCompressedEnvelope(envelope: Envelope, maxBytes: number): Promise<EnvelopeVerdict> {
  const bytes = decodeBody(envelope)
  const coding = envelope.contentEncoding ?? sniffContentEncoding(bytes)
  if (coding === undefined) return readEnvelope(envelope)
  const inflated = await inflateBody(bytes, coding, maxBytes)
  const verdict = inflated.ok ? readEnvelope({ ...envelope, ...encodeBody(inflated.bytes) }) : inflated
  if (verdict.ok)
    return envelope.contentEncoding === undefined
      ? withWarning(verdict, `body: is in ${coding} without a Content-Encoding, inflated`)
      : verdict
  // Plain text can pass for a raw deflate stream.
  const plain = readEnvelope(envelope)
  return plain.ok ? withWarning(plain, 'body: is not compressed as Content-Encoding says, read as it came') : verdict
}

function withWarning(verdict: EnvelopeVerdict & { readonly ok: true }, warning: string): EnvelopeVerdict {
  return { ...verdict, warnings: [warning, ...verdict.warnings] }
}

/** Reads an envelope's body as an event of its source, or says why it can't be one. Never throws on bad input. */
export function readEnvelope(envelope: Envelope): EnvelopeVerdict {
  const source = sources.get(envelope.source)
  if (source === undefined) return refuse('unknown source', `no source is called "${envelope.source}"`)
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
