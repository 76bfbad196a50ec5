/** What the pauses of an incident have in common, beside their owner. */
export interface IncidentCause {
  /** The domain of the mailboxes' addresses; empty if there is none. */
  readonly domain: string
  readonly provider: string
  readonly category: string
}

/** Pauses of several mailboxes with a common cause. */
export interface Incident {
  /** The first pause's opening event. */
  readonly id: string
  readonly owner: string
  readonly cause: IncidentCause
  /** Milliseconds since the epoch. */
  readonly openedAt: number
  /** When the last pause closed; null while one is open. */
  readonly closedAt: number | null
  readonly mailboxes: number
  readonly open: number
}

export const incidentRules = {
  /** Pauses belong together if each begins at most this long after the one before. */
  gapMs: 15 * 60_000,
  /** Fewer paused mailboxes are no incident. */
  minMailboxes: 3,
} as const
