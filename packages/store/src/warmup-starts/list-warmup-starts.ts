import type { Queryable } from '../database.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'
import type { WarmupDecision } from './warmup-start-table.ts'

/** A decision as shown by the API. */
export interface WarmupStartView {
  readonly owner: string
  readonly campaignId: number
  readonly email: string | null
  readonly eventId: string
  readonly decision: WarmupDecision
  readonly detail: string
  readonly decidedAt: string
}

/** Lists decisions about pending campaigns, latest event first. */
export async function listWarmupStarts(
  db: Queryable,
  filter: { readonly owner?: string | undefined; readonly decision?: WarmupDecision | undefined },
  { limit, cursor }: PageRequest,
): Promise<Page<WarmupStartView>> {
  const before = parseCursor(cursor)
  let query = db
    .selectFrom('warmup_starts as w')
    .leftJoin('mailboxes as m', (join) =>
      join.onRef('m.campaign_id', '=', 'w.campaign_id').onRef('m.owner', '=', 'w.owner'),
    )
    .selectAll('w')
    .select('m.email')
    .orderBy('w.event_id', 'desc')
    .limit(limit + 1)
  if (before !== undefined) query = query.where('w.event_id', '<', before)
  if (filter.owner !== undefined) query = query.where('w.owner', '=', filter.owner)
  if (filter.decision !== undefined) query = query.where('w.decision', '=', filter.decision)
  return toPage(
    await query.execute(),
    limit,
    (row) => row.event_id,
    (row) => ({
      owner: row.owner,
      campaignId: Number(row.campaign_id),
      email: row.email,
      eventId: row.event_id,
      decision: row.decision,
      detail: row.detail,
      decidedAt: row.decided_at.toISOString(),
    }),
  )
}
