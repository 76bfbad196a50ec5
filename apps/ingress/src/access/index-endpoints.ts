import { digestOf } from '@warmhook/config/endpoint-key'
import type { Endpoint } from '@warmhook/config/endpoints'

/** Finds a source's endpoint by its key. */
export type FindEndpoint = (source: string, key: string) => Endpoint | undefined

/**
 * Looks up keys by their digest; the cost does not depend on the number of endpoints.
 *
 * The timing of a lookup may reveal how many leading digits the digest of a guess shares with a stored one. That is
 * harmless: an attacker cannot choose a key by its digest, and a digest grants no access. Finding a 128-bit key from
 * its digest is as hard as guessing the key.
 */
export function indexEndpoints(endpoints: readonly Endpoint[]): FindEndpoint {
  const byDigest = new Map(endpoints.flatMap((endpoint) => endpoint.keyDigests.map((digest) => [digest, endpoint])))
  return (source, key) => {
    const endpoint = byDigest.get(digestOf(key))
    return endpoint?.source === source ? endpoint : undefined
  }
}
