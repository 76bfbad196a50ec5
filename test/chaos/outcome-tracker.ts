import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@warmhook/store/database'
import { sql } from 'kysely'

export interface OutcomeTracker extends AsyncDisposable {
  /** Adds an accepted event. */
  add(id: string, event: AcceptedEvent): void
  /** The number of accepted events that at least one handler has not finished. */
  readonly unfinished: number
  /** When the oldest of them was accepted; infinity if there is none. */
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

/** Tracks the outcomes of accepted events, using only the database. */
export function trackOutcomes(db: Database): OutcomeTracker {
  const waiting = new Map<string, AcceptedEvent>()
  const stop = new AbortController()
  let latestFinished = Number.NEGATIVE_INFINITY

  /** Starts with the oldest event and stops when few are finished, so that a backlog is not queried repeatedly. */
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
      // The database may be unreachable; the next poll finds what this one missed.
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
      // In order of arrival, except for responses that overtook each other by a moment.
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
