import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'

/** A contact as every CRM should show it. Times are milliseconds since the epoch; null means: show nothing. */
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
  /** Names this write in the CRM's answer and logs; the same for every try of the same state. */
  readonly traceId: string
}

/** What became of one contact's write. */
export type ContactResult =
  | { readonly status: 'written'; readonly remoteId: string | null }
  /** The CRM will not take it as it is; no try can help. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** Tried without success; it may have been this contact's fault. */
  | { readonly status: 'retry'; readonly reason: string }
  /** Not tried, or refused for what is no contact's fault: `refusal` says what the account as a whole is refused for. */
  | { readonly status: 'hold'; readonly reason: string; readonly waitMs: number; readonly refusal?: PeerRefusal }

export interface UpsertTerms {
  /** Nothing is sent once it has aborted, and no call outlasts it. */
  readonly signal: AbortSignal
  /** The account has refused everything until now: one call shows whether it still does. */
  readonly isFirst: boolean
}

/** One kind of CRM. */
export interface CrmProvider {
  readonly name: string
  /** The same for calls to the same account with the same credentials; holds none of them. */
  readonly accountKey: string
  /**
   * Creates or updates contacts, whose e-mails are distinct. One result per trace id; a contact without one is tried
   * again. Repeating a call with the same records changes nothing more.
   */
  upsertContacts(records: readonly ContactRecord[], terms: UpsertTerms): Promise<ReadonlyMap<string, ContactResult>>
}
