import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'

/** A contact as the CRM should show it. Times are milliseconds since the epoch; null clears the field. */
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
  /** Identifies this write in the CRM's answer and logs; the same for every attempt to write the same state. */
  readonly traceId: string
}

/** The result of writing one contact. */
export type ContactResult =
  | { readonly status: 'written'; readonly remoteId: string | null }
  /** The CRM rejects it as it is; retrying cannot help. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** The attempt failed, possibly because of this contact. */
  | { readonly status: 'retry'; readonly reason: string }
  /** Not tried, or refused for a reason that is not about this contact; `refusal` says why the account is refused. */
  | { readonly status: 'hold'; readonly reason: string; readonly waitMs: number; readonly refusal?: PeerRefusal }

export interface UpsertTerms {
  /** No call is made after it has aborted, and no call outlasts it. */
  readonly signal: AbortSignal
  /** The account has been refusing everything: one call shows whether it still does. */
  readonly isFirst: boolean
}

/** A CRM. */
export interface CrmProvider {
  readonly name: string
  /** The same for the same account and credentials; does not contain the credentials. */
  readonly accountKey: string
  /**
   * Creates or updates contacts with distinct e-mail addresses. One result per trace id; a contact without a result is
   * retried. Idempotent.
   */
  upsertContacts(records: readonly ContactRecord[], terms: UpsertTerms): Promise<ReadonlyMap<string, ContactResult>>
}
