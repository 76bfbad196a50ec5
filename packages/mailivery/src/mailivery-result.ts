/** The result of a call to Mailivery: its value, or why there is none. */
export type MailiveryResult<Value> = { readonly status: 'ok'; readonly value: Value } | MailiveryFailure

/** Why a call has no value. Reasons are short, and contain neither the key nor an e-mail address. */
export type MailiveryFailure =
  /** The key is not accepted, or lacks a right. */
  | { readonly status: 'unauthorised'; readonly reason: string }
  /** Too many calls: the next one is possible after `waitMs`. `isSent` is false if the rate budget kept the call back. */
  | { readonly status: 'limited'; readonly reason: string; readonly waitMs: number; readonly isSent: boolean }
  /** Mailivery failed or did not answer. Unless `isSent` is false, it may have done what was asked. */
  | { readonly status: 'unavailable'; readonly reason: string; readonly isSent: boolean }
  /** An answer that is not Mailivery's, or not complete. */
  | { readonly status: 'malformed'; readonly reason: string }
  /** Mailivery refused the call. */
  | { readonly status: 'rejected'; readonly reason: string; readonly httpStatus: number; readonly code: string | null }

/** Wraps a value that a call has returned. */
export function toOk<Value>(value: Value): { readonly status: 'ok'; readonly value: Value } {
  return { status: 'ok', value }
}

/** The failure for an answer that can't be used. */
export function toMalformed(reason: string): MailiveryFailure {
  return { status: 'malformed', reason }
}
