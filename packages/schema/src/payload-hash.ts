import { hash } from 'node:crypto'
import { configure } from 'safe-stable-stringify'

// A hostile body can nest deeper than the stack. Differences below this depth do not change the hash.
const canonicalJson = configure({ maximumDepth: 100 })

/**
 * 128 bits, hex, of the payload in canonical form: equal for payloads that differ only in white space or key order.
 */
export function payloadHash(payload: unknown): string {
  return hash('sha256', canonicalJson(payload) ?? '', 'hex').slice(0, 32)
}
