/** A limit of an account: so many points in any period of this length. */
export interface BudgetWindow {
  /** Such as `10 s` or `day`; calls name it in their cost. */
  readonly name: string
  readonly ms: number
  /** Until the vendor's answers tell another. */
  readonly limit: number
}

/** A limit as the vendor's answer tells it. */
export interface LearnedLimit {
  /** A window's name. */
  readonly window: string
  readonly limit?: number
  /** Points left in the vendor's own count. */
  readonly remaining?: number
}

/** What a call costs, by window; a window that is not named is not charged. */
export type CallCost = Readonly<Record<string, number>>

export type BudgetTicket = { readonly isGranted: true } | { readonly isGranted: false; readonly waitMs: number }

/** The state of a window. */
export interface BudgetState {
  readonly window: string
  readonly limit: number
  readonly remaining: number
  /** When a call is possible again, or, with points left, when the whole limit is (ms since the epoch). */
  readonly resetsAt: number
}

/** The rate budget of one account, shared by all workers. */
export interface Budget {
  /** Takes the cost of a call out of all windows, or of none: then a call is possible after `waitMs`. */
  readonly take: (cost: CallCost) => Promise<BudgetTicket>
  /** Adopts what the vendor says about its limits. */
  readonly learn: (limits: readonly LearnedLimit[]) => Promise<void>
  readonly read: () => Promise<readonly BudgetState[]>
}
