import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'

/** A contact as every CRM should show it. Times are milliseconds since the epoch; null clears the value. */
export interface ContactRecord {
  /** In lower case. */
  readonly email: string
  readonly warmupStatus: 'pending' | 'active' | 'paused' | 'removed'
  readonly pausedSince: number | null
  readonly pauseReason: string | null
  readonly provider: string | null
  readonly tags: readonly string[]
  readonly campaignId: number
  readonly lastEventAt: number
  /** Identifies this write in the CRM's answer and logs; the same for every attempt with the same state. */
  readonly traceId: string
}

/** The result of writing one contact. */
export type ContactResult =
  | { readonly status: 'written'; readonly remoteId: string | null }
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
}

/** One kind of CRM. */
export interface CrmProvider {
  readonly name: string
  /** The same for calls to the same account with the same credentials. Does not contain the credentials. */
  readonly accountKey: string
  /**
   * Creates or updates contacts, whose e-mails must be distinct. Returns one result per trace id; a contact without a
   * result is retried. The call is idempotent.
   */
  upsertContacts(records: readonly ContactRecord[], terms: UpsertTerms): Promise<ReadonlyMap<string, ContactResult>>
}
