import type { CrmMode, CrmProviderName } from '@warmhook/config/crm-fields'
import type { Secret } from '@warmhook/config/secret'
import type { BudgetWindow, LearnedLimit } from '@warmhook/peer/budget/budget'
import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { CrmClient } from './crm-client.ts'

/** A property of a contact that Warmhook writes, as it is to exist in the CRM. */
export interface CrmProperty {
  /** The vendor's key for it, such as `mailivery_warmup_status`. */
  readonly name: string
  readonly label: string
  readonly description: string
  readonly type: 'text' | 'datetime' | 'number' | 'choice'
  /** The values that a `choice` can have; empty otherwise. */
  readonly options: readonly string[]
}

/** The value to write to a property. Times are milliseconds since the epoch; null clears it. */
export interface PropertyValue {
  readonly property: CrmProperty
  readonly value: string | number | null
}

/** A contact as the CRM should show it. */
export interface ContactRecord {
  /** In lower case. */
  readonly email: string
  /** The CRM's id of the contact, if it is known. */
  readonly remoteId: string | null
  /** For contacts that are created; null if unknown. Names of existing contacts are left alone. */
  readonly firstName: string | null
  readonly lastName: string | null
  readonly campaignId: number
  /** The mailbox was deleted at the sender. */
  readonly isRemoved: boolean
  readonly values: readonly PropertyValue[]
  /** Identifies this write in the CRM's answer and logs; the same for every attempt with the same state. */
  readonly traceId: string
}

/** The result of writing one contact. */
export type ContactResult =
  | { readonly status: 'written'; readonly remoteId: string | null }
  /** Deliberately not written, such as an unknown contact in update-only mode. */
  | { readonly status: 'skipped'; readonly reason: string }
  /** The CRM does not accept the contact; a retry can't help. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** Failed, possibly because of this contact. */
  | { readonly status: 'retry'; readonly reason: string }
  /** Not tried, or refused for reasons unrelated to the contact. `refusal` says why the whole account is refused. */
  | { readonly status: 'hold'; readonly reason: string; readonly waitMs: number; readonly refusal?: PeerRefusal }

export interface UpsertTerms {
  /** Once aborted, nothing more is sent and running calls end. */
  readonly signal: AbortSignal
  /** The account has refused everything until now: a single call checks whether it still does. */
  readonly isFirst: boolean
  readonly mode: CrmMode
  /** Whether the contacts of removed mailboxes are archived instead of written. */
  readonly archives: boolean
}

/** What an account lacks, or has differently, for the mapped properties. */
export interface PropertyPlan {
  readonly missing: readonly CrmProperty[]
  /** Properties that exist but can't hold their values, with what to do about it. */
  readonly conflicts: readonly { readonly name: string; readonly problem: string }[]
}

/** A contact as the CRM shows it; dates as milliseconds since the epoch, an empty property as null. */
export interface RemoteContact {
  readonly remoteId: string
  readonly values: ReadonlyMap<string, string | number | null>
}

/** A call for the set-up or the comparison of an account failed; the message says what to do. */
export class CrmCallError extends Error {
  override readonly name = 'CrmCallError'
  readonly refusal: PeerRefusal | undefined
  /** After which the account's budget suffices; undefined if something else is wrong. */
  readonly waitMs: number | undefined

  constructor(message: string, { refusal, waitMs }: { readonly refusal?: PeerRefusal; readonly waitMs?: number } = {}) {
    super(message)
    this.refusal = refusal
    this.waitMs = waitMs
  }
}

/** One account of a CRM. */
export interface CrmProvider {
  /**
   * Creates or updates contacts, whose e-mails must be distinct. Returns one result per trace id; a contact without a
   * result is retried. The call is idempotent. Only the properties in `values` are written to existing contacts.
   */
  upsertMany(records: readonly ContactRecord[], terms: UpsertTerms): Promise<ReadonlyMap<string, ContactResult>>
  /**
   * Compares properties with the account's.
   *
   * @throws CrmCallError
   */
  planProperties(properties: readonly CrmProperty[], signal: AbortSignal): Promise<PropertyPlan>
  /**
   * Creates properties. Those that exist by now are left as they are.
   *
   * @throws CrmCallError
   */
  createProperties(properties: readonly CrmProperty[], signal: AbortSignal): Promise<void>
  /**
   * Reads contacts by e-mail (in lower case), at most `readMax` at once. Unknown contacts are absent from the result.
   *
   * @throws CrmCallError
   */
  readContacts(
    emails: readonly string[],
    properties: readonly CrmProperty[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, RemoteContact>>
  /** How many contacts `readContacts` takes. */
  readonly readMax: number
}

/** How to reach an account. */
export interface CrmAccess {
  readonly baseUrl: string
  readonly token: Secret
  /** Of the API, where the vendor's paths contain it. */
  readonly version?: string
}

/** One kind of CRM. */
export interface CrmProviderKind {
  readonly name: CrmProviderName
  /** For messages, such as `HubSpot`. */
  readonly label: string
  /** The names of the vendor's own properties, which must not be mapped. */
  readonly ownProperties: RegExp
  /** Whether a contact can be archived, so that a person can restore it. */
  readonly canArchive: boolean
  /** The vendor's limits, until its answers tell the account's. */
  readonly windows: readonly BudgetWindow[]
  /** Limits told by the headers of an answer. */
  readonly readLimits: (headers: PeerHeaders) => readonly LearnedLimit[]
  /** The headers that authenticate a call. */
  readonly authorise: (token: Secret) => Readonly<Record<string, string>>
  readonly create: (access: CrmAccess, deps: CrmProviderDeps) => CrmProvider
}

export interface CrmProviderDeps {
  readonly client: CrmClient
  /** How long until calls are possible, while the budget is what limits (ms); 0: it suffices. */
  readonly scarceForMs: () => number
  readonly now: () => number
}
