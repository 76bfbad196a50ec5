/** What a pause contributes to an incident. Times are milliseconds since the epoch. */
export interface IncidentPause {
  readonly owner: string
  readonly campaignId: number
  /** The domain of the mailbox's address; empty if there is none. */
  readonly domain: string
  readonly provider: string
  readonly category: string
  /** The id of the event that opened the pause. */
  readonly openedBy: string
  readonly openedAt: number
  readonly closedAt: number | null
}

/** Pauses of several mailboxes with a common cause. */
export interface Incident {
  /** The first pause's opening event. */
  readonly id: string
  readonly owner: string
  readonly cause: Pick<IncidentPause, 'domain' | 'provider' | 'category'>
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

/** Derives incidents from pauses alone: the same pauses in any order make the same incidents, the latest first. */
export function deriveIncidents(pauses: readonly IncidentPause[]): readonly Incident[] {
  const groups = Map.groupBy(pauses, ({ owner, domain, provider, category }) =>
    JSON.stringify([owner, domain, provider, category]),
  )
  return [...groups.values()]
    .flatMap((group) => splitByGap(group.toSorted((a, b) => (a.openedBy < b.openedBy ? -1 : 1))))
    .map(toIncident)
    .filter(({ mailboxes }) => mailboxes >= incidentRules.minMailboxes)
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
}

type Pauses = readonly [IncidentPause, ...IncidentPause[]]

function splitByGap(sorted: readonly IncidentPause[]): readonly Pauses[] {
  const parts: [IncidentPause, ...IncidentPause[]][] = []
  let last: IncidentPause | undefined
  for (const pause of sorted) {
    const isNext = last !== undefined && pause.openedAt - last.openedAt <= incidentRules.gapMs
    if (isNext) parts.at(-1)?.push(pause)
    else parts.push([pause])
    last = pause
  }
  return parts
}

function toIncident(pauses: Pauses): Incident {
  const [{ openedBy: id, owner, domain, provider, category, openedAt }] = pauses
  const open = pauses.filter(({ closedAt }) => closedAt === null)
  const closings = pauses.map(({ closedAt }) => closedAt ?? 0)
  return {
    id,
    owner,
    cause: { domain, provider, category },
    openedAt,
    closedAt: open.length > 0 ? null : Math.max(...closings),
    mailboxes: countMailboxes(pauses),
    open: countMailboxes(open),
  }
}

function countMailboxes(pauses: readonly IncidentPause[]): number {
  return new Set(pauses.map(({ campaignId }) => campaignId)).size
}
