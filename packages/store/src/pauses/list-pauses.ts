import type { EventType, WebhookType } from '@warmhook/schema/mailbox-event'
import { reasonKind } from '@warmhook/schema/reason'
import type { Queryable } from '../database.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'
import { toPause } from './to-pause.ts'

export interface PauseFilter {
  readonly state?: 'open' | 'closed' | undefined
  readonly owner?: string | undefined
  readonly campaignId?: number | undefined
  /** Opened at or after `since` and before `until`; ISO 8601. */
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** The type of a webhook, or `reconcile` for what only Mailivery's API told. */
export type Opener = WebhookType | 'reconcile'

function toOpener(type: EventType): Opener {
  return type === 'mailbox.reconciled' ? 'reconcile' : type
}

/** A pause as shown by the API. */
export interface PauseView {
  readonly campaignId: number
  readonly owner: string
  readonly email: string | null
  readonly reason: string | null
  readonly reasons: readonly string[]
  readonly category: string
  /** What to do about the reason. */
  readonly nextStep: string
  readonly openedAt: string
  readonly closedAt: string | null
  readonly openedBy: Opener
  /** The type of the event that closed it. */
  readonly closedBy: Opener | null
  /** The closing event only suggests that the mailbox works again. */
  readonly presumed: boolean
  /** Up to now while the pause is open. */
  readonly durationMs: number
}

/** Pauses, the latest first. `now` is in ms since the epoch. */
export async function listPauses(
  db: Queryable,
  filter: PauseFilter,
  { limit, cursor }: PageRequest,
  now: number,
): Promise<Page<PauseView>> {
  const before = parseCursor(cursor)
  let query = db
    .selectFrom('pauses as p')
    .leftJoin('mailboxes as m', (join) =>
      join.onRef('m.campaign_id', '=', 'p.campaign_id').onRef('m.owner', '=', 'p.owner'),
    )
    .selectAll('p')
    .select('m.email')
    .orderBy('p.opened_by', 'desc')
    .limit(limit + 1)
  if (before !== undefined) query = query.where('p.opened_by', '<', before)
  if (filter.state !== undefined) query = query.where('p.closed_by', filter.state === 'open' ? 'is' : 'is not', null)
  if (filter.owner !== undefined) query = query.where('p.owner', '=', filter.owner)
  if (filter.campaignId !== undefined) query = query.where('p.campaign_id', '=', String(filter.campaignId))
  if (filter.since !== undefined) query = query.where('p.opened_at', '>=', new Date(filter.since))
  if (filter.until !== undefined) query = query.where('p.opened_at', '<', new Date(filter.until))
  return toPage(
    await query.execute(),
    limit,
    (row) => row.opened_by,
    (row) => ({
      campaignId: Number(row.campaign_id),
      owner: row.owner,
      email: row.email,
      reason: row.reason,
      reasons: row.reasons,
      category: row.category,
      nextStep: reasonKind(row.category).nextStep,
      openedAt: row.opened_at.toISOString(),
      closedAt: row.closed_at?.toISOString() ?? null,
      openedBy: toOpener(row.opened_by_type),
      closedBy: row.closed_by_type && toOpener(row.closed_by_type),
      presumed: (toPause(row).closed?.proof ?? 'certain') !== 'certain',
      durationMs: (row.closed_at?.getTime() ?? now) - row.opened_at.getTime(),
    }),
  )
}
