import { setTimeout as delay } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import { sql } from 'kysely'
import type { Database } from '@warmhook/store/database'

/** Waits until no queue holds an unfinished job; `onTick` is called on each poll. */
export async function drained(queues: readonly Queue[], timeoutMs: number, onTick?: () => void): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (let empty = 0; empty < 2;) {
    if (performance.now() > deadline) throw new Error(`the queues were not empty within ${timeoutMs} ms`)
    await delay(100)
    onTick?.()
    const counts = await Promise.all(queues.map((queue) => queue.getJobCounts('waiting', 'active', 'delayed')))
    const jobs = counts.flatMap((count) => Object.values(count)).reduce((sum, count) => sum + count, 0)
    // Twice in a row, because a batch that moves between two queues is briefly in neither.
    empty = jobs === 0 ? empty + 1 : 0
  }
}

/** When the last outcome was committed, in ms since the epoch, according to Postgres's commit timestamps. */
export async function lastCommitAt(db: Database): Promise<number> {
  const { rows } = await sql<{ at: Date }>`SELECT max(pg_xact_commit_timestamp(xmin)) AS at FROM deliveries`.execute(db)
  return rows[0]?.at.getTime() ?? Number.NaN
}

/** @throws unless every event has exactly one outcome per handler, reached on the first attempt */
export async function checkOutcomes(db: Database, events: number, handlers: readonly string[]): Promise<void> {
  const { rows } = await sql<{ handler: string; outcomes: string; once: string }>`
    SELECT handler, count(*) AS outcomes, count(*) FILTER (WHERE status = 'done' AND attempts = 1) AS once
    FROM deliveries GROUP BY handler`.execute(db)
  const { rows: stored } = await sql<{ events: string; duplicates: string }>`
    SELECT count(*) AS events, count(duplicate_of) AS duplicates FROM events`.execute(db)
  const found = {
    events: Number(stored[0]?.events),
    duplicates: Number(stored[0]?.duplicates),
    ...Object.fromEntries(rows.map((row) => [row.handler, `${row.outcomes}, ${row.once} at once`])),
  }
  const expected = {
    events,
    duplicates: 0,
    ...Object.fromEntries(handlers.toSorted().map((handler) => [handler, `${events}, ${events} at once`])),
  }
  if (stable(found) !== stable(expected))
    throw new Error(`the run does not add up: found ${stable(found)}, expected ${stable(expected)}`)
}

function stable(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
