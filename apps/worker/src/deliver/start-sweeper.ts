import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@warmhook/store/database'
import { countAbsentMinute } from '@warmhook/store/handlers/announce-handlers'
import { holdSweeper, noteSweep, releaseSweeper } from '@warmhook/store/outbox/sweep-outbox'
import type { WorkerMetrics } from '../worker-metrics.ts'
import type { Sweeper } from './sweep-outbox.ts'

export interface SweeperDeps {
  readonly db: Database
  readonly sweeper: Sweeper
  readonly metrics: WorkerMetrics
  readonly onError: (error: unknown) => void
}

const feedEveryMs = 500
const checkEveryMs = 5_000
/** The sweeping worker's lease; another worker takes over if it is not renewed. */
const leaseMs = 15_000

/** Sweeps the outbox until it is disposed; only one worker of the installation sweeps at a time. */
export function startSweeper({ db, sweeper, metrics, onError }: SweeperDeps): AsyncDisposable {
  const holder = randomUUID()
  const stop = new AbortController()
  const everyCheck = createInterval(checkEveryMs)
  const everyMinute = createInterval(60_000)
  let isHolder = false

  async function pass(): Promise<void> {
    const isCheckDue = everyCheck()
    if (isCheckDue) isHolder = await holdSweeper(db, holder, leaseMs)
    if (!isHolder) return
    const fed = await sweeper.feed()
    const recreated = isCheckDue ? await sweeper.check() : 0
    metrics.sweeper.inc({ action: 'fed' }, fed)
    metrics.sweeper.inc({ action: 'recreated' }, recreated)
    if (isCheckDue || fed > 0) await noteSweep(db, { fed, recreated })
    if (everyMinute()) await countAbsentMinute(db)
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await pass()
      } catch (error) {
        // Redis or Postgres is unreachable: the next pass retries.
        isHolder = false
        onError(error)
      }
      await delay(feedEveryMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      if (isHolder) await releaseSweeper(db, holder).catch(onError)
    },
  }
}

/** True at most once per interval, and not before the first one has passed. */
function createInterval(ms: number): () => boolean {
  let next = performance.now() + ms
  return () => {
    if (performance.now() < next) return false
    next = performance.now() + ms
    return true
  }
}
