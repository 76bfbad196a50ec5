import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** A summary of the outbox and its sweeper. */
export interface OutboxState {
  /** Jobs in the outbox. */
  readonly owed: number
  /** Those of them that wait for space in Redis. */
  readonly waiting: number
  /** Seconds since the sweeper last ran; null if it never ran. */
  readonly sweptSecondsAgo: number | null
  /** Jobs enqueued after they had waited for space, since the installation. */
  readonly fed: number
  /** Jobs enqueued again because Redis had lost them, since the installation. */
  readonly recreated: number
}

/** The cost grows with the open jobs, not with all events. */
export async function readOutboxState(db: Queryable): Promise<OutboxState> {
  const { rows } = await sql<Record<keyof OutboxState, string | null>>`
    SELECT (SELECT count(*) FROM outbox) AS owed, (SELECT count(*) FROM outbox WHERE NOT is_queued) AS waiting,
      extract(epoch FROM now() - swept_at) AS "sweptSecondsAgo", fed, recreated
    FROM sweeper`.execute(db)
  const [row] = rows
  const swept = row?.sweptSecondsAgo ?? null
  return {
    owed: Number(row?.owed ?? 0),
    waiting: Number(row?.waiting ?? 0),
    sweptSecondsAgo: swept === null ? null : Number(swept),
    fed: Number(row?.fed ?? 0),
    recreated: Number(row?.recreated ?? 0),
  }
}
