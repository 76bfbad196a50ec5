import type { ActiveHandler } from '@warmhook/handlers/registry'
import { createEventRunner, type DeliveryResult } from '@warmhook/queue/create-event-runner'
import type { BatchContext } from '@warmhook/queue/start-batch-worker'
import type { EventBatch } from '@warmhook/schema/batch'
import type { Database } from '@warmhook/store/database'
import { finishedEventIds } from '@warmhook/store/deliveries/finished-event-ids'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import type { Logger } from '@warmhook/telemetry/logger'
import type { WorkerMetrics } from './worker-metrics.ts'

export interface HandlerProcessorDeps {
  readonly db: Database
  readonly log: Logger
  readonly metrics: WorkerMetrics
  /** Calls of the handler that may run at once. */
  readonly maxConcurrent: number
  readonly now: () => number
}

/** Runs a handler's jobs and keeps the record of its deliveries. */
export function createHandlerProcessor(
  { name, policy, handle }: ActiveHandler,
  { db, log, metrics, maxConcurrent, now }: HandlerProcessorDeps,
): (context: BatchContext<EventBatch>) => Promise<void> {
  return createEventRunner({
    policy,
    maxConcurrent,
    handle,
    now,
    finished: (eventIds, replayId) => finishedEventIds(db, name, eventIds, replayId),
    record: async (results, startedAt, replayId) => {
      await recordDeliveries(db, { handler: name, startedAt, finishedAt: now(), replayId, records: results })
      observe(results)
    },
  })

  function observe(results: readonly DeliveryResult[]): void {
    const counts = Map.groupBy(results, (result) => result.status)
    for (const [status, group] of counts) metrics.deliveries.inc({ handler: name, status }, group.length)
    const failed = results.find((result) => result.status !== 'done')
    if (failed === undefined) return
    log.warn(
      {
        handler: name,
        failing: counts.get('failing')?.length ?? 0,
        dead: counts.get('dead')?.length ?? 0,
        reason: failed.note,
      },
      'deliveries failed',
    )
  }
}
