import type { AddressList } from './address-list.ts'
import type { EndpointCrm } from './crm-fields.ts'
import { digestOf } from './endpoint-key.ts'
import type { EndpointMailivery } from './mailivery-fields.ts'
import type { Secret } from './secret.ts'

/** One owner's endpoint for webhooks. */
export interface Endpoint {
  readonly owner: string
  readonly source: string
  /** SHA-256 in hex. Two live keys allow rotation without downtime. */
  readonly keyDigests: readonly string[]
  /** The only addresses that may send; undefined: any. */
  readonly allow: AddressList | undefined
  /** The first key given in plain text, for displaying the URL; undefined if only digests are known. */
  readonly shownKey: Secret | undefined
  /** The owner's CRM; undefined: that of the environment. */
  readonly crm?: LocatedCrm | undefined
  /** The owner's access to Mailivery's API; undefined: that of the environment. */
  readonly mailivery?: LocatedMailivery | undefined
}

/** An owner's CRM with absolute paths, and where it stands, for messages. */
export interface LocatedCrm extends EndpointCrm {
  readonly place: string
}

/** An owner's access to Mailivery with an absolute path, and where it stands, for messages. */
export interface LocatedMailivery extends EndpointMailivery {
  readonly place: string
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
