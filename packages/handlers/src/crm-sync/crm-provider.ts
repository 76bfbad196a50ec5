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
  | { readonly status: 'retry'; readonly reason: string; readonly notBefore?: number }

/** One kind of CRM. */
export interface CrmProvider {
  readonly name: string
  /**
   * Creates or updates contacts, whose e-mails are distinct. One result per trace id; a contact without one is tried
   * again. Repeating a call with the same records changes nothing more.
   */
  upsertContacts(records: readonly ContactRecord[], signal: AbortSignal): Promise<ReadonlyMap<string, ContactResult>>
}
