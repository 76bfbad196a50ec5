import type { Queryable } from '../database.ts'

/** Whether an event is a duplicate. Late events can change this. */
export interface EventVerdict {
  readonly isDuplicate: boolean
  /** Grows with every change: of two verdicts on an event, the one with the greater revision holds. */
  readonly revision: number
}

/** The latest verdicts on these events, by event id. */
export async function readVerdicts(
  db: Queryable,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, EventVerdict>> {
  const rows = await db
    .selectFrom('events')
    .select(['id', 'duplicate_of', 'seq'])
    .where((eb) => eb('id', '=', eb.fn.any(eb.val([...eventIds]))))
    .execute()
  return new Map(
    rows.map((row) => [row.id, { isDuplicate: row.duplicate_of !== null, revision: Number(row.seq) }] as const),
  )
}
