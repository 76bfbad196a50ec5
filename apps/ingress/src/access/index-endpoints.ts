import { digestOf } from '@warmhook/config/endpoint-key'
import type { Endpoint } from '@warmhook/config/endpoints'

/** Finds the endpoint that a key opens for a source. */
export type FindEndpoint = (source: string, key: string) => Endpoint | undefined

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
