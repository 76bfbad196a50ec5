import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib'
import type { Refusal } from './sources/source.ts'

/** Longer headers are not lists of codings. */
export const maxContentEncodingLength = 200
/** A sender compresses once and a relay may compress again; more codings are an attack. */
const maxCodings = 4

/**
 * The codings in a Content-Encoding header, in the order in which they were applied, or undefined if there are none.
 * Some senders put the character set there, which is not a coding.
 */
export function readContentEncoding(header: string): string | undefined {
  const codings = header
    .slice(0, maxContentEncodingLength)
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => !noCodings.has(coding))
  return codings.length === 0 ? undefined : codings.join(', ')
}

const noCodings: ReadonlySet<string> = new Set([
  '',
  'identity',
  'none',
  'utf-8',
  'utf8',
  'utf-16',
  'us-ascii',
  'ascii',
  'iso-8859-1',
  'windows-1252',
  '7bit',
  '8bit',
  'binary',
])

export type InflatedBody = { readonly ok: true; readonly bytes: Buffer } | Refusal

/** Decodes a body. No step produces more than `maxBytes`; the work is done off the event loop. */
export async function inflateBody(bytes: Buffer, contentEncoding: string, maxBytes: number): Promise<InflatedBody> {
  const codings = contentEncoding.split(',').map((coding) => coding.trim())
  if (codings.length > maxCodings) return refuse('too many content codings', `there are ${codings.length} codings`)
  let inflated = bytes
  for (const coding of codings.toReversed()) {
    const undo = decoders.get(coding)
    if (undo === undefined) return refuse('unknown content coding', 'the Content-Encoding is not supported')
    try {
      inflated = await undo(inflated, maxBytes)
    } catch (error) {
      return isTooLarge(error)
        ? refuse('inflates beyond MAX_BODY_BYTES', `the body inflates to more than ${maxBytes} bytes`)
        : refuse('does not inflate', `the body is not valid ${coding}, or is truncated`)
    }
  }
  return { ok: true, bytes: inflated }
}

/** Detects the coding of a body by its first bytes: RFC 1952 section 2.3.1, RFC 8878 section 3.1.1. */
export function sniffContentEncoding(bytes: Buffer): string | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8) return 'gzip'
  return bytes.length >= 4 && bytes.readUInt32LE() === 0xfd2fb528 ? 'zstd' : undefined
}

type Decoder = (bytes: Buffer, maxBytes: number) => Promise<Buffer>

const gunzipAsync = promisify(gunzip)
const inflateAsync = promisify(inflate)
const inflateRawAsync = promisify(inflateRaw)
const brotliAsync = promisify(brotliDecompress)
const zstdAsync = promisify(zstdDecompress)

const decodeGzip: Decoder = (bytes, maxOutputLength) => gunzipAsync(bytes, { maxOutputLength })
const decoders: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['deflate', decodeDeflate],
  ['br', (bytes, maxOutputLength) => brotliAsync(bytes, { maxOutputLength })],
  ['zstd', (bytes, maxOutputLength) => zstdAsync(bytes, { maxOutputLength })],
])

/** RFC 9110 section 8.4.1.2: in the zlib format, whose header some senders omit. */
async function decodeDeflate(bytes: Buffer, maxOutputLength: number): Promise<Buffer> {
  try {
    return await inflateAsync(bytes, { maxOutputLength })
  } catch (error) {
    if (isTooLarge(error)) throw error
    return inflateRawAsync(bytes, { maxOutputLength })
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}

function refuse(issue: string, message: string): Refusal {
  return { ok: false, issue, issues: [{ code: issue.replaceAll(' ', '_').toLowerCase(), path: [], message }] }
}
