import type { AddressList } from './address-list.ts'
import { digestOf } from './endpoint-key.ts'
import type { Secret } from './secret.ts'

/** One owner's address for webhooks. */
export interface Endpoint {
  readonly owner: string
  readonly source: string
  /** SHA-256 in hex. Two live keys allow rotation without a gap. */
  readonly keyDigests: readonly string[]
  /** The only addresses that may send; undefined: any. */
  readonly allow: AddressList | undefined
  /** The first key that was given in clear, for showing the URL; undefined where only digests are known. */
  readonly shownKey: Secret | undefined
}

/** Finds the endpoint that a key opens for a source. */
export type FindEndpoint = (source: string, key: string) => Endpoint | undefined

/** The one endpoint of an installation without ENDPOINTS_FILE. */
export function defaultEndpoint(key: Secret): Endpoint {
  return {
    owner: 'default',
    source: 'mailivery',
    keyDigests: [digestOf(key.reveal())],
    allow: undefined,
    shownKey: key,
  }
}

/**
 * Looks keys up by their digest, at the same cost for any number of endpoints.
 *
 * How long a look-up takes may tell how far the digest of a guess agrees with a stored one. That is of no use: nobody can
 * choose keys by the digest they will have, and a known digest does not open anything. Finding a key of 128 bits from it is
 * as hard as guessing the key.
 */
export function indexEndpoints(endpoints: readonly Endpoint[]): FindEndpoint {
  const byDigest = new Map(endpoints.flatMap((endpoint) => endpoint.keyDigests.map((digest) => [digest, endpoint])))
  return (source, key) => {
    const endpoint = byDigest.get(digestOf(key))
    return endpoint?.source === source ? endpoint : undefined
  }
}
