import type { MailboxStatus } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { uuidFloor } from '../uuid-floor.ts'
import { totals } from './totals.ts'

export interface Stats {
  readonly mailboxes: Readonly<Record<MailboxStatus, number>>
  readonly openPauses: number
  readonly openPausesByCategory: Readonly<Record<string, number>>
  readonly openPausesByReason: readonly { readonly reason: string | null; readonly count: number }[]
  /** Over the pauses closed in the last 30 days; null if there were none. */
  readonly meanTimeToRecoveryMs: number | null
  readonly events: { readonly lastHour: number; readonly lastDay: number }
}

const secondMs = 1_000
const hourMs = 3_600 * secondMs
const dayMs = 24 * hourMs

/**
 * Figures for an overview at `now` (ms since the epoch). Reads the open pauses, a few thousand totals, and only those
 * counted rows that lie at the edge of a time span.
 */
export async function readStats(db: Queryable, now: number): Promise<Stats> {
  const [mailboxes, reasons, meanTimeToRecoveryMs, lastHour, lastDay] = await Promise.all([
    countMailboxes(db),
    sql<{ category: string; reason: string | null; count: string }>`
      SELECT category, reason, count(*) FROM pauses WHERE closed_by IS NULL
      GROUP BY category, reason ORDER BY count(*) DESC`.execute(db),
    readMeanTimeToRecovery(db, now - 30 * dayMs),
    countEvents(db, now - hourMs),
    countEvents(db, now - dayMs),
  ])
  const byCategory = Map.groupBy(reasons.rows, (row) => row.category)
  return {
    mailboxes,
    openPauses: sum(reasons.rows),
    openPausesByCategory: Object.fromEntries([...byCategory].map(([category, rows]) => [category, sum(rows)])),
    openPausesByReason: reasons.rows.slice(0, 20).map(({ reason, count }) => ({ reason, count: Number(count) })),
    meanTimeToRecoveryMs,
    events: { lastHour, lastDay },
  }
}

/** The number of mailboxes in each status. */
export async function countMailboxes(db: Queryable): Promise<Stats['mailboxes']> {
  const { rows } = await sql<{ status: MailboxStatus; count: string }>`
    SELECT key AS status, sum(amount) AS count FROM ${totals} AS total WHERE name = 'mailboxes' GROUP BY key`.execute(
    db,
  )
  const counts = new Map(rows.map((row) => [row.status, Number(row.count)]))
  return {
    pending: counts.get('pending') ?? 0,
    active: counts.get('active') ?? 0,
    paused: counts.get('paused') ?? 0,
    deleted: counts.get('deleted') ?? 0,
  }
}

async function readMeanTimeToRecovery(db: Queryable, since: number): Promise<number | null> {
  const { from, until } = edgeOf(since, hourMs)
  const { rows } = await sql<{ ms: string | null }>`
    WITH parts AS (
      SELECT sum(amount) FILTER (WHERE name = 'seconds paused') AS seconds,
        sum(amount) FILTER (WHERE name = 'pauses closed') AS pauses
      FROM ${totals} AS total WHERE name IN ('seconds paused', 'pauses closed') AND bucket >= ${until}::timestamptz
      UNION ALL
      SELECT sum(extract(epoch FROM closed_at - opened_at)), count(*) FROM pauses
      WHERE closed_at > ${from}::timestamptz AND closed_at < ${until}::timestamptz
    )
    SELECT sum(seconds) * 1000 / nullif(sum(pauses), 0) AS ms FROM parts`.execute(db)
  const ms = rows[0]?.ms ?? null
  return ms === null ? null : Math.round(Number(ms))
}

/** Events received after `since` (ms since the epoch). The primary key finds the edge. */
async function countEvents(db: Queryable, since: number): Promise<number> {
  const { from, until } = edgeOf(since, 10 * secondMs)
  const { rows } = await sql<{ count: string }>`
    SELECT (
      SELECT coalesce(sum(amount), 0) FROM ${totals} AS total WHERE name = 'events' AND bucket >= ${until}::timestamptz
    ) + (
      SELECT count(*) FROM events
      WHERE id >= ${uuidFloor(from.getTime())}::uuid AND id < ${uuidFloor(until.getTime())}::uuid
        AND received_at > ${from}::timestamptz
    ) AS count`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

/** From a time to the start of the first complete bucket after it. */
function edgeOf(since: number, bucketMs: number): { readonly from: Date; readonly until: Date } {
  return { from: new Date(since), until: new Date(Math.ceil(since / bucketMs) * bucketMs) }
}

function sum(rows: readonly { readonly count: string }[]): number {
  return rows.reduce((total, row) => total + Number(row.count), 0)
}
