import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@warmhook/store/database'
import { removedTables, runRetention, type Removed } from '@warmhook/store/retention/run-retention'
import type { WorkerMetrics } from './worker-metrics.ts'

export interface RetentionDeps {
  readonly db: Database
  /** 0 keeps everything. */
  readonly keptDays: number
  /** Old events are kept this much longer, because newer ones may be their duplicates. */
  readonly dedupeWindowMs: number
  readonly metrics: WorkerMetrics
  readonly now: () => number
  readonly schedule?: RetentionSchedule
  readonly onRemoved: (removed: Removed) => void
  readonly onError: (error: unknown) => void
}

interface RetentionSchedule {
  readonly firstAfterMs: number
  readonly everyMs: number
}

const dayMs = 24 * 3_600_000
/** The first run is delayed: a start is busy, and workers of the previous version may still run during an upgrade. */
const hourly: RetentionSchedule = { firstAfterMs: 5 * 60_000, everyMs: 3_600_000 }

/** Periodically removes data older than `keptDays` until it is disposed. Disposal waits for the batch in progress. */
export function startRetention({
  keptDays,
  metrics,
  schedule = hourly,
  onRemoved,
  onError,
  ...deps
}: RetentionDeps): AsyncDisposable {
  const stop = new AbortController()
  const pause = (ms: number): Promise<void> =>
    delay(ms, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)

  async function run(): Promise<void> {
    await pause(schedule.firstAfterMs)
    while (!stop.signal.aborted) {
      try {
        const before = deps.now() - keptDays * dayMs - deps.dedupeWindowMs
        const removed = await runRetention(deps.db, {
          keptDays,
          before,
          signal: stop.signal,
          onBatch: (batch) => {
            for (const table of removedTables) metrics.removed.inc({ table }, batch[table] ?? 0)
          },
        })
        if (removedTables.some((table) => removed[table] > 0)) onRemoved(removed)
      } catch (error) {
        // The next run continues where this one stopped.
        onError(error)
      }
      await pause(schedule.everyMs)
    }
  }

  const running = keptDays === 0 ? Promise.resolve() : run()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
