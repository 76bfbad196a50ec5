import type { ActiveHandler } from '@warmhook/handlers/registry'
import type { BatchContext } from '@warmhook/queue/start-batch-worker'
import type { DeliveryRecord } from '@warmhook/store/deliveries/record-deliveries'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Sandbox } from '../sandbox/create-sandbox.ts'
import type { WorkerMetrics } from '../worker-metrics.ts'
import { createEventRunner, type EventRunnerDeps } from './create-event-runner.ts'
import { handleInSandbox } from './handle-in-sandbox.ts'

export interface HandlerProcessorDeps extends Omit<EventRunnerDeps, 'handler' | 'handleInSandbox' | 'observe'> {
  readonly log: Logger
  readonly metrics: WorkerMetrics
  /** Undefined if no second process can be started; suspects are then handled in this process. */
  readonly sandbox: Sandbox | undefined
}

/** Runs a handler's jobs, and logs and counts their results. */
export function createHandlerProcessor(
  handler: ActiveHandler,
  { log, metrics, sandbox, ...deps }: HandlerProcessorDeps,
): (context: BatchContext<unknown>) => Promise<void> {
  const { name } = handler
  return createEventRunner({
    ...deps,
    handler,
    handleInSandbox: sandbox && handleInSandbox(handler, sandbox),
    observe,
  })

  function observe(records: readonly DeliveryRecord[]): void {
    const counts = Map.groupBy(records, (record) => record.status)
    for (const [status, group] of counts) metrics.deliveries.inc({ handler: name, status }, group.length)
    // For held events, the handler has already logged what is wrong with the account.
    const failed = records.find((record) => record.status !== 'done' && record.isAttempt !== false)
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
