import type { Queryable } from '../database.ts'

/**
 * Those of the given events that the handler has finished. A replay is a separate run: with `replayId`, only events
 * finished by that replay count.
 */
export async function finishedEventIds(
  db: Queryable,
  handler: string,
  eventIds: readonly string[],
  replayId?: string,
): Promise<ReadonlySet<string>> {
  let query = db
    .selectFrom('deliveries')
    .select('event_id')
    .where('handler', '=', handler)
    .where('status', '=', 'done')
    .where((eb) => eb('event_id', '=', eb.fn.any(eb.val([...eventIds]))))
  if (replayId !== undefined) query = query.where('replay_id', '=', replayId)
  const rows = await query.execute()
  return new Set(rows.map((row) => row.event_id))
}
