import type { EventType } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** A handler as routers have to know it. */
export interface Subscription {
  readonly name: string
  readonly subscribes: readonly EventType[]
  /** Events in one of its jobs, at most. */
  readonly batchMax: number
}

/** A handler is off when workers ran for so long and none of them had its settings. */
export const absentMinutesUntilOff = 60

/** Says that a worker has the settings of these handlers: from now on routers of every worker feed them. */
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

/** Switches every other handler off: for a worker that is the whole installation. */
export async function switchOthersOff(db: Queryable, names: readonly string[]): Promise<void> {
  await sql`
    UPDATE handlers SET absent_minutes = ${absentMinutesUntilOff}
    WHERE name <> ALL(${[...names]}::text[]) AND absent_minutes < ${absentMinutesUntilOff}`.execute(db)
}

/** To be called once a minute by one worker: counts the minute for handlers that nobody has announced in it. */
export async function countAbsentMinute(db: Queryable): Promise<void> {
  await sql`
    UPDATE handlers SET absent_minutes = absent_minutes + 1
    WHERE announced_at < now() - interval '2 minutes' AND absent_minutes < ${absentMinutesUntilOff}`.execute(db)
}

/** The handlers that are on in this installation, whichever worker has their settings. */
export async function readSubscriptions(db: Queryable): Promise<readonly Subscription[]> {
  const { rows } = await sql<{ name: string; subscribes: EventType[]; batch_max: number }>`
    SELECT name, subscribes, batch_max FROM handlers WHERE absent_minutes < ${absentMinutesUntilOff}
    ORDER BY name`.execute(db)
  return rows.map(({ name, subscribes, batch_max: batchMax }) => ({ name, subscribes, batchMax }))
}
