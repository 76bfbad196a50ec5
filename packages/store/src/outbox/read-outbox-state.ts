import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** The outbox and its sweeper at a glance. */
export interface OutboxState {
  /** Jobs that handlers owe. */
  readonly owed: number
  /** Those of them that wait for room in Redis. */
  readonly waiting: number
  /** Seconds since the sweeper was last at work; null: never. */
  readonly sweptSecondsAgo: number | null
  /** Jobs that had waited for room, since the installation began. */
  readonly fed: number
  /** Jobs that Redis had lost, since the installation began. */
  readonly recreated: number
}

/** Costs what is open, not what ever was. */
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
