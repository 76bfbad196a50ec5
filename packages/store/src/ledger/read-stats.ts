import type { MailboxStatus } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

export interface Stats {
  readonly mailboxes: Readonly<Record<MailboxStatus, number>>
  readonly openPauses: number
  readonly openPausesByCategory: Readonly<Record<string, number>>
  readonly openPausesByReason: readonly { readonly reason: string | null; readonly count: number }[]
  /** Over the pauses closed within 30 days; null when there was none. */
  readonly meanTimeToRecoveryMs: number | null
  readonly events: { readonly lastHour: number; readonly lastDay: number }
}

/** Figures for an overview. */
export async function readStats(db: Queryable): Promise<Stats> {
  const [statuses, reasons, recovery, events] = await Promise.all([
    sql<{ status: MailboxStatus; count: string }>`SELECT status, count(*) FROM mailboxes GROUP BY status`.execute(db),
    sql<{ category: string; reason: string | null; count: string }>`
      SELECT category, reason, count(*) FROM pauses WHERE closed_by IS NULL
      GROUP BY category, reason ORDER BY count(*) DESC`.execute(db),
    sql<{ ms: string | null }>`
      SELECT avg(extract(epoch FROM closed_at - opened_at)) * 1000 AS ms FROM pauses
      WHERE closed_at > now() - interval '30 days'`.execute(db),
    sql<{ hour: string; day: string }>`
      SELECT count(*) FILTER (WHERE received_at > now() - interval '1 hour') AS hour, count(*) AS day
      FROM events WHERE id >= ${uuidFloor(Date.now() - 86_400_000)}::uuid`.execute(db),
  ])
  const counts = new Map(statuses.rows.map((row) => [row.status, Number(row.count)]))
  const byCategory = Map.groupBy(reasons.rows, (row) => row.category)
  const ms = recovery.rows[0]?.ms ?? null
  return {
    mailboxes: {
      pending: counts.get('pending') ?? 0,
      active: counts.get('active') ?? 0,
      paused: counts.get('paused') ?? 0,
      deleted: counts.get('deleted') ?? 0,
    },
    openPauses: sum(reasons.rows),
    openPausesByCategory: Object.fromEntries([...byCategory].map(([category, rows]) => [category, sum(rows)])),
    openPausesByReason: reasons.rows.slice(0, 20).map(({ reason, count }) => ({ reason, count: Number(count) })),
    meanTimeToRecoveryMs: ms === null ? null : Math.round(Number(ms)),
    events: { lastHour: Number(events.rows[0]?.hour ?? 0), lastDay: Number(events.rows[0]?.day ?? 0) },
  }
}

/** The smallest UUIDv7 of a time (ms since the epoch): ids are in order of time, so the primary key finds a day. */
function uuidFloor(ms: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

function sum(rows: readonly { readonly count: string }[]): number {
  return rows.reduce((total, row) => total + Number(row.count), 0)
}
