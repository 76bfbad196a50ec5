import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@warmhook/store/database'
import { sql } from 'kysely'

export interface OutcomeTracker extends AsyncDisposable {
  /** An event was accepted. */
  add(id: string, event: AcceptedEvent): void
  /** Accepted events that some handler has not finished. */
  readonly unfinished: number
  /** When the oldest of them was accepted; infinite when there is none. */
  readonly oldest: number
  /** When the latest event known to be finished was sent. */
  readonly latestFinished: number
}

/** Times in ms since the epoch. */
export interface AcceptedEvent {
  readonly sentAt: number
  readonly ackedAt: number
}

export const handlers = ['crm-sync', 'pause-tracking'] as const

const lookEveryMs = 250
const idsPerQuery = 1_000

/** Follows accepted events to their outcomes, through the database alone. */
export function trackOutcomes(db: Database): OutcomeTracker {
  const waiting = new Map<string, AcceptedEvent>()
  const stop = new AbortController()
  let latestFinished = Number.NEGATIVE_INFINITY

  /** From the oldest on, and no further than something comes out: a backlog must not be asked for again and again. */
  async function look(): Promise<void> {
    for (let share = 1; share > 0.5 && waiting.size > 0 && !stop.signal.aborted;) {
      const ids = [...waiting.keys().take(idsPerQuery)]
      const finished = await finishedAmong(db, ids)
      for (const id of finished) {
        latestFinished = Math.max(latestFinished, waiting.get(id)?.sentAt ?? latestFinished)
        waiting.delete(id)
      }
      share = finished.length / ids.length
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      // The database is unreachable at times: the next look will find what this one missed.
      await look().catch(() => undefined)
      await delay(lookEveryMs)
    }
  }

  const running = run()
  return {
    add: (id, event) => void waiting.set(id, event),
    get unfinished() {
      return waiting.size
    },
    get oldest() {
      // In order of arrival, but for answers that overtook each other by a moment.
      return waiting.values().next().value?.ackedAt ?? Number.POSITIVE_INFINITY
    },
    get latestFinished() {
      return latestFinished
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

async function finishedAmong(db: Database, ids: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql<{ event_id: string }>`
    SELECT event_id FROM deliveries WHERE event_id = ANY(${[...ids]}::uuid[]) AND status = 'done'
    GROUP BY event_id HAVING count(*) = ${handlers.length}
    UNION
    SELECT id FROM events WHERE id = ANY(${[...ids]}::uuid[]) AND duplicate_of IS NOT NULL`.execute(db)
  return rows.map((row) => row.event_id)
}
