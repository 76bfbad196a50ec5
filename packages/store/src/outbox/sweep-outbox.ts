import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** The key of an outbox row, and the queue of its job. */
export interface OutboxKey {
  readonly id: string
  readonly handler: string
}

/** Makes `holder` the sweeper for `forMs`, unless another worker is. Returns whether it succeeded. */
export async function holdSweeper(db: Queryable, holder: string, forMs: number): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    UPDATE sweeper SET holder = ${holder}::uuid, held_until = now() + ${forMs} * interval '1 millisecond'
    WHERE id = 1 AND (holder = ${holder}::uuid OR held_until < now()) RETURNING id`.execute(db)
  return rows.length > 0
}

/** Lets another worker become the sweeper immediately. */
export async function releaseSweeper(db: Queryable, holder: string): Promise<void> {
  await sql`UPDATE sweeper SET held_until = now() WHERE id = 1 AND holder = ${holder}::uuid`.execute(db)
}

/** Jobs that should be in Redis and are older than `olderThanMs`, in order of id, after the id `after`. */
export async function findQueuedJobs(
  db: Queryable,
  { after, limit, olderThanMs }: { readonly after: string; readonly limit: number; readonly olderThanMs: number },
): Promise<readonly OutboxKey[]> {
  const { rows } = await sql<OutboxKey>`
    SELECT id, handler FROM outbox
    WHERE is_queued AND id > ${after} AND created_at < now() - ${olderThanMs} * interval '1 millisecond'
    ORDER BY id LIMIT ${limit}::int`.execute(db)
  return rows
}

/** The oldest jobs of a handler that wait for space in Redis. */
export async function findWaitingJobs(db: Queryable, handler: string, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM outbox WHERE handler = ${handler} AND NOT is_queued ORDER BY id LIMIT ${limit}::int`.execute(db)
  return rows.map(({ id }) => id)
}

/** Handlers with jobs that wait for space in Redis. */
export async function findWaitingHandlers(db: Queryable): Promise<readonly string[]> {
  const { rows } = await sql<{ handler: string }>`
    WITH RECURSIVE waiting AS (
      (SELECT handler FROM outbox WHERE NOT is_queued ORDER BY handler LIMIT 1)
      UNION ALL
      SELECT (SELECT o.handler FROM outbox o WHERE NOT o.is_queued AND o.handler > w.handler ORDER BY o.handler LIMIT 1)
      FROM waiting w WHERE w.handler IS NOT NULL
    )
    SELECT handler FROM waiting WHERE handler IS NOT NULL`.execute(db)
  return rows.map(({ handler }) => handler)
}

/** Records whether these jobs are in Redis. If not, the sweeper enqueues them. */
export async function markQueued(db: Queryable, ids: readonly string[], isQueued: boolean): Promise<void> {
  if (ids.length === 0) return
  await sql`UPDATE outbox SET is_queued = ${isQueued} WHERE id = ANY(${[...ids]}::text[])`.execute(db)
}

/** Deletes those of these jobs that are finished. */
export async function settleJobs(db: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    DELETE FROM outbox o WHERE o.id = ANY(${[...ids]}::text[]) AND NOT EXISTS (
      SELECT FROM unnest(o.event_ids) AS owed (event_id) JOIN events e ON e.id = owed.event_id
      WHERE NOT EXISTS (
        SELECT FROM deliveries d WHERE d.event_id = owed.event_id AND d.handler = o.handler
          AND d.status IN ('done', 'dead') AND (o.replay_id IS NULL OR d.replay_id = o.replay_id)))`.execute(db)
}

/** Records a sweep and adds to the sweeper's counts. */
export async function noteSweep(
  db: Queryable,
  { fed, recreated }: { readonly fed: number; readonly recreated: number },
): Promise<void> {
  await sql`
    UPDATE sweeper SET swept_at = now(), fed = fed + ${fed}::int, recreated = recreated + ${recreated}::int
    WHERE id = 1`.execute(db)
}
