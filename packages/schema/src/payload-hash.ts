import { hash } from 'node:crypto'
import { configure } from 'safe-stable-stringify'

// A hostile body can nest deeper than the stack; what lies below this depth does not tell two payloads apart.
const canonicalJson = configure({ maximumDepth: 100 })

/**
 * 128 bits, hex, over the payload in canonical form: equal for payloads that differ only in white space or the order of keys.
 */
export function payloadHash(payload: unknown): string {
  return hash('sha256', canonicalJson(payload) ?? '', 'hex').slice(0, 32)
}
