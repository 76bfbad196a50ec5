import { sql } from 'kysely'
import type { Database } from '../database.ts'
import type { OutboxJob } from './owed-event.ts'
import { writeOutbox } from './write-outbox.ts'

/**
 * Makes a replay owed. A handler that an event was not given to when it came has it from now on: without its outcome the
 * event is not processed.
 */
export async function writeReplay(db: Database, jobs: readonly OutboxJob[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const { handler, events } of jobs) {
      const ids = events.map(({ id }) => id)
      await sql`
        UPDATE events SET handlers = array_append(handlers, ${handler}::text)
        WHERE id = ANY(${ids}::uuid[]) AND NOT ${handler}::text = ANY(handlers)`.execute(tx)
    }
    await writeOutbox(tx, jobs)
  })
}
