import { randomUUID } from 'node:crypto'
import { reportWorker, withdrawWorker } from '@warmhook/queue/queue-activity'
import type { Redis } from 'ioredis'
import type { WorkerMetrics } from './worker-metrics.ts'

export interface ReportingDeps {
  /** Its commands time out if Redis does not answer. */
  readonly redis: Redis
  readonly prefix: string
  /** The queues that this worker processes. */
  readonly queues: readonly string[]
  readonly metrics: WorkerMetrics
  readonly onError: (error: Error) => void
}

const everyMs = 2_000

/** Reports to the board that this worker is alive, which queues it processes and how many events it finishes. */
export function startReporting({ redis, prefix, queues, metrics, onError }: ReportingDeps): AsyncDisposable {
  const workerId = randomUUID()
  const reported = new Map<string, number>()
  let isReporting = false

  async function report(): Promise<void> {
    const totals = await finishedByHandler(metrics)
    const finished = queues.map((name) => ({ name, finished: (totals.get(name) ?? 0) - (reported.get(name) ?? 0) }))
    await reportWorker(redis, prefix, { workerId, queues: finished })
    for (const name of queues) reported.set(name, totals.get(name) ?? 0)
  }
  const tick = (): void => {
    // The connection reports itself that Redis is unreachable.
    if (isReporting || redis.status !== 'ready') return
    isReporting = true
    report()
      .catch(onError)
      .finally(() => {
        isReporting = false
      })
  }
  const timer = setInterval(tick, everyMs)
  redis.on('ready', tick)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      redis.off('ready', tick)
      // If Redis is unreachable, the reports expire.
      await withdrawWorker(redis, prefix, workerId, queues).catch(() => undefined)
    },
  }
}

/** Events since the process started that need no further attempt. */
async function finishedByHandler({ deliveries }: WorkerMetrics): Promise<ReadonlyMap<string, number>> {
  const totals = new Map<string, number>()
  for (const { labels, value } of (await deliveries.get()).values) {
    if (labels.handler === undefined || labels.status === 'failing') continue
    const handler = String(labels.handler)
    totals.set(handler, (totals.get(handler) ?? 0) + value)
  }
  return totals
}
