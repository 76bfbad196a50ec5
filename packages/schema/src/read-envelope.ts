import { isUtf8 } from 'node:buffer'
import { decodeBody, type Envelope } from './envelope.ts'
import type { MailboxEvent } from './mailbox-event.ts'
import { payloadHash } from './payload-hash.ts'
import { sources } from './sources/registry.ts'
import type { PayloadIssue } from './sources/source.ts'

/** What an envelope turned out to be. */
export type EnvelopeVerdict =
  | { readonly ok: true; readonly event: MailboxEvent; readonly payloadHash: string }
  | { readonly ok: false; readonly issue: string; readonly issues: readonly PayloadIssue[] }

/** Reads an envelope's body as an event of its source, or says why it can't be one. Never throws on bad input. */
export function readEnvelope(envelope: Envelope): EnvelopeVerdict {
  const source = sources.get(envelope.source)
  if (source === undefined) return refuse('unknown source', `no source is called "${envelope.source}"`)
  const text = readText(envelope)
  if (text === undefined) return refuse('not UTF-8', 'the body is not UTF-8 text')
  const payload = parseJson(text)
  if (payload === undefined) return refuse('not JSON', 'the body is not JSON')
  const verdict = source.readPayload(payload)
  if (!verdict.ok) return verdict
  const { id, owner, receivedAt } = envelope
  return {
    ok: true,
    event: { id, source: source.name, owner, receivedAt, ...verdict.content },
    payloadHash: payloadHash(payload),
  }
}

function refuse(issue: string, message: string): EnvelopeVerdict {
  return { ok: false, issue, issues: [{ code: issue.replaceAll(' ', '_').toLowerCase(), path: [], message }] }
}

function readText(envelope: Envelope): string | undefined {
  if (envelope.encoding === 'utf8') return envelope.body
  const bytes = decodeBody(envelope)
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
