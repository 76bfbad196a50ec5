import type { EventType } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** What routers need to know about a handler. */
export interface Subscription {
  readonly name: string
  readonly subscribes: readonly EventType[]
  /** Maximum number of events in one of its jobs. */
  readonly batchMax: number
}

/** A handler is off once workers have run for this long without one that is configured for it. */
export const absentMinutesUntilOff = 60

/** Announces that a worker is configured for these handlers: from now on all routers send them events. */
export async function announceHandlers(db: Queryable, handlers: readonly Subscription[]): Promise<void> {
  const rows = handlers.map(({ name, subscribes, batchMax }) => ({ name, subscribes, batch_max: batchMax }))
  await sql`
    INSERT INTO handlers (name, subscribes, batch_max, announced_at)
    SELECT name, subscribes, batch_max, now() FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      name text, subscribes text[], batch_max integer)
    ORDER BY name
    ON CONFLICT (name) DO UPDATE SET subscribes = excluded.subscribes, batch_max = excluded.batch_max,
      announced_at = excluded.announced_at, absent_minutes = 0`.execute(db)
}

/** Switches all other handlers off. For a worker that is the only one of its installation. */
export async function switchOthersOff(db: Queryable, names: readonly string[]): Promise<void> {
  await sql`
    UPDATE handlers SET absent_minutes = ${absentMinutesUntilOff}
    WHERE name <> ALL(${[...names]}::text[]) AND absent_minutes < ${absentMinutesUntilOff}`.execute(db)
}

/** Called once a minute by one worker. Counts the minute for handlers that no worker has announced recently. */
export async function countAbsentMinute(db: Queryable): Promise<void> {
  await sql`
    UPDATE handlers SET absent_minutes = absent_minutes + 1
    WHERE announced_at < now() - interval '2 minutes' AND absent_minutes < ${absentMinutesUntilOff}`.execute(db)
}

/** The handlers that are on in this installation, on whichever worker. */
export async function readSubscriptions(db: Queryable): Promise<readonly Subscription[]> {
  const { rows } = await sql<{ name: string; subscribes: EventType[]; batch_max: number }>`
    SELECT name, subscribes, batch_max FROM handlers WHERE absent_minutes < ${absentMinutesUntilOff}
    ORDER BY name`.execute(db)
  return rows.map(({ name, subscribes, batch_max: batchMax }) => ({ name, subscribes, batchMax }))
}
