import type { Queryable } from '../database.ts'

/**
 * Those of the given events that the handler is done with. A replay is a run of its own: then only what that replay
 * has finished counts.
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
