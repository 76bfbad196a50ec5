import { hash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import type { Secret } from './secret.ts'

/** One owner's address for webhooks. Keys are kept as SHA-256 digests only. */
export interface Endpoint {
  readonly owner: string
  readonly source: string
  /** Two live keys allow rotation without a gap. */
  readonly keyDigests: readonly Buffer[]
  /** The only addresses that may send; undefined: any. */
  readonly allow: BlockList | undefined
}

/** ENDPOINTS_FILE can't be used; the message says what to change. */
export class EndpointsFileError extends Error {
  override readonly name = 'EndpointsFileError'
}

const Cidr = z.string().refine((text) => {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  return (
    family !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
  )
}, 'must be an IP address or a CIDR range such as 203.0.113.0/24')

/** A key in clear (at least 128 bits), or `sha256:` and the digest of one in hex. */
const Key = z
  .string()
  .refine(
    (key) => (key.startsWith('sha256:') ? /^sha256:[0-9a-f]{64}$/.test(key) : key.length >= 22),
    'must be at least 22 characters, or sha256:<64 hex digits>',
  )

// Strict: a setting that this version does not know must not look as if it were in force.
const EndpointsFile = z.strictObject({
  endpoints: z
    .array(
      z.strictObject({
        owner: z.string().min(1).max(100),
        source: z.string().default('mailivery'),
        keys: z.array(Key).min(1).max(2),
        allow: z.array(Cidr).optional(),
      }),
    )
    .min(1),
})

/** The one endpoint of an installation without ENDPOINTS_FILE. */
export function defaultEndpoint(key: Secret): Endpoint {
  return { owner: 'default', source: 'mailivery', keyDigests: [digestOf(key.reveal())], allow: undefined }
}

/**
 * Reads ENDPOINTS_FILE (YAML).
 *
 * @throws EndpointsFileError when it can't be read or does not fit
 */
export function readEndpointsFile(path: string): readonly Endpoint[] {
  const parsed = EndpointsFile.safeParse(parseFile(path))
  if (!parsed.success) throw new EndpointsFileError(`${path} does not fit:\n${z.prettifyError(parsed.error)}`)
  return parsed.data.endpoints.map((entry) => ({
    owner: entry.owner,
    source: entry.source,
    keyDigests: entry.keys.map((key) => (key.startsWith('sha256:') ? Buffer.from(key.slice(7), 'hex') : digestOf(key))),
    allow: entry.allow && toAllowList(entry.allow),
  }))
}

/** The endpoint that this key opens for a source. Compares with every endpoint, each in constant time. */
export function findEndpoint(endpoints: readonly Endpoint[], source: string, key: string): Endpoint | undefined {
  const digest = digestOf(key)
  let found: Endpoint | undefined
  for (const endpoint of endpoints) {
    for (const known of endpoint.keyDigests) {
      if (timingSafeEqual(known, digest) && endpoint.source === source) found = endpoint
    }
  }
  return found
}

function parseFile(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, 'utf8')) as unknown
  } catch (cause) {
    throw new EndpointsFileError(
      `${path} can't be read as YAML: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

function toAllowList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}

function digestOf(key: string): Buffer {
  // Not hash(…, 'buffer'): memory of its own for 32 bytes takes four times as long as the digest.
  return Buffer.from(hash('sha256', key), 'hex')
}
