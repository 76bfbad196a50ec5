import { sql, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'
import type { OutboxJob } from './owed-event.ts'
import { writeOutbox } from './write-outbox.ts'

/**
 * Writes the jobs of a replay to the outbox. A handler that an event was not routed to originally is added to the
 * event's handlers: from now on, the event only counts as processed once this handler has finished it. Events that
 * retention has removed since they were selected are left out.
 */
export async function writeReplay(db: Database, jobs: readonly OutboxJob[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const kept = await keepEvents(tx, [...new Set(jobs.flatMap(({ events }) => events.map(({ id }) => id)))])
    const replayed = jobs
      .map((job) => ({ ...job, events: job.events.filter(({ id }) => kept.has(id)) }))
      .filter(({ events }) => events.length > 0)
    for (const { handler, events } of replayed) {
      const ids = events.map(({ id }) => id)
      await sql`
        UPDATE events SET handlers = array_append(handlers, ${handler}::text)
        WHERE id = ANY(${ids}::uuid[]) AND NOT ${handler}::text = ANY(handlers)`.execute(tx)
    }
    await writeOutbox(tx, replayed)
  })
}

/** Locks the events that still exist. Retention takes a stronger lock before it checks the outbox. */
async function keepEvents(tx: Transaction<Tables>, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM events WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}
