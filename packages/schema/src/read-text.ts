import { isUtf8 } from 'node:buffer'
import { decodeBody, type Envelope } from './envelope.ts'

/** A body's text, and the charset that was assumed. */
export interface BodyText {
  readonly text: string
  /** Undefined for UTF-8, the encoding of JSON: RFC 8259 section 8.1. */
  readonly charset: 'UTF-16' | 'Windows-1252' | undefined
}

/**
 * Reads a body as text, without its byte order mark. UTF-16 is detected by its mark, or by a zero byte next to the
 * first character. A body that is neither UTF-16 nor UTF-8 is read as Windows-1252, in which every byte is a character.
 */
export function readText(envelope: Pick<Envelope, 'body' | 'encoding'>): BodyText {
  if (envelope.encoding === 'utf8') return { text: withoutMark(envelope.body), charset: undefined }
  const bytes = decodeBody(envelope)
  const utf16 = findUtf16(bytes)
  if (utf16 !== undefined) return { text: new TextDecoder(utf16).decode(bytes), charset: 'UTF-16' }
  if (isUtf8(bytes)) return { text: withoutMark(bytes.toString('utf8')), charset: undefined }
  return { text: new TextDecoder('windows-1252').decode(bytes), charset: 'Windows-1252' }
}

function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

function findUtf16(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const [first, second] = bytes
  if (first === undefined || second === undefined || bytes.length % 2 !== 0) return undefined
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if ((first === 0) === (second === 0)) return undefined
  return first === 0 ? 'utf-16be' : 'utf-16le'
}
