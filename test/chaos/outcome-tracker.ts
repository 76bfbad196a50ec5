import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@warmhook/store/database'

export interface OutcomeTracker extends AsyncDisposable {
  /** An event was accepted. */
  add(id: string, event: AcceptedEvent): void
  /** Accepted events that some handler has not finished. */
  readonly unfinished: number
  /** When the oldest of them was accepted; infinite when there is none. */
  readonly oldest: number
  /** When the latest finished event was sent. */
  readonly latestFinished: number
}

/** Times in ms since the epoch. */
export interface AcceptedEvent {
  readonly sentAt: number
  readonly ackedAt: number
}

export const handlers = ['crm-sync', 'pause-tracking'] as const

const lookEveryMs = 250
const idsPerQuery = 2_000

/** Follows accepted events to their outcomes, through the database alone. */
export function trackOutcomes(db: Database): OutcomeTracker {
  const waiting = new Map<string, AcceptedEvent>()
  const stop = new AbortController()
  let latestFinished = Number.NEGATIVE_INFINITY

  async function look(): Promise<void> {
    const ids = [...waiting.keys()]
    for (let start = 0; start < ids.length && !stop.signal.aborted; start += idsPerQuery) {
      for (const id of await finishedAmong(db, ids.slice(start, start + idsPerQuery))) {
        latestFinished = Math.max(latestFinished, waiting.get(id)?.sentAt ?? latestFinished)
        waiting.delete(id)
      }
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      // The database is away at times: the next look will find what this one missed.
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
  const rows = await db
    .selectFrom('deliveries')
    .select('event_id')
    .where('event_id', 'in', ids)
    .where('status', '=', 'done')
    .groupBy('event_id')
    .having((eb) => eb.fn.countAll(), '=', handlers.length)
    .execute()
  return rows.map((row) => row.event_id)
}
