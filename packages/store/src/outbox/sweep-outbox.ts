import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** A row of the outbox and the queue that its job belongs to. */
export interface OutboxKey {
  readonly id: string
  readonly handler: string
}

/** Makes `holder` the one sweeper for `forMs`, unless another is. Returns whether it is. */
export async function holdSweeper(db: Queryable, holder: string, forMs: number): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    UPDATE sweeper SET holder = ${holder}::uuid, held_until = now() + ${forMs} * interval '1 millisecond'
    WHERE id = 1 AND (holder = ${holder}::uuid OR held_until < now()) RETURNING id`.execute(db)
  return rows.length > 0
}

/** Lets another worker be the sweeper at once. */
export async function releaseSweeper(db: Queryable, holder: string): Promise<void> {
  await sql`UPDATE sweeper SET held_until = now() WHERE id = 1 AND holder = ${holder}::uuid`.execute(db)
}

/** Jobs that should be in Redis and have been for `olderThanMs`, in order from `after`. */
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

/** The oldest jobs of a handler that wait for room in Redis. */
export async function findWaitingJobs(db: Queryable, handler: string, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM outbox WHERE handler = ${handler} AND NOT is_queued ORDER BY id LIMIT ${limit}::int`.execute(db)
  return rows.map(({ id }) => id)
}

/** Handlers with jobs that wait for room in Redis. */
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

/** Notes whether these jobs are in Redis; false: the sweeper is to put them there. */
export async function markQueued(db: Queryable, ids: readonly string[], isQueued: boolean): Promise<void> {
  if (ids.length === 0) return
  await sql`UPDATE outbox SET is_queued = ${isQueued} WHERE id = ANY(${[...ids]}::text[])`.execute(db)
}

/** Removes those of these jobs that owe nothing any more. */
export async function settleJobs(db: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    DELETE FROM outbox o WHERE o.id = ANY(${[...ids]}::text[]) AND NOT EXISTS (
      SELECT FROM unnest(o.event_ids) AS owed (event_id) JOIN events e ON e.id = owed.event_id
      WHERE NOT EXISTS (
        SELECT FROM deliveries d WHERE d.event_id = owed.event_id AND d.handler = o.handler
          AND d.status IN ('done', 'dead') AND (o.replay_id IS NULL OR d.replay_id = o.replay_id)))`.execute(db)
}

/** Adds to the sweeper's record. */
export async function noteSweep(
  db: Queryable,
  { fed, recreated }: { readonly fed: number; readonly recreated: number },
): Promise<void> {
  await sql`
    UPDATE sweeper SET swept_at = now(), fed = fed + ${fed}::int, recreated = recreated + ${recreated}::int
    WHERE id = 1`.execute(db)
}
