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
