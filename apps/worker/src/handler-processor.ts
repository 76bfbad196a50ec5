import type { ActiveHandler } from '@warmhook/handlers/registry'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import { createEventRunner, type DeliveryResult } from '@warmhook/queue/create-event-runner'
import { discard, done, hold, retry, type Outcome } from '@warmhook/queue/outcome'
import type { BatchContext } from '@warmhook/queue/start-batch-worker'
import { toEventJob } from '@warmhook/queue/to-event-job'
import type { EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { finishedEventIds } from '@warmhook/store/deliveries/finished-event-ids'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import type { Logger } from '@warmhook/telemetry/logger'
import type { AskApart } from './apart/ask-apart.ts'
import type { WorkerMetrics } from './worker-metrics.ts'

export interface HandlerProcessorDeps {
  readonly db: Database
  readonly log: Logger
  readonly metrics: WorkerMetrics
  /** Calls of the handler that may run at once. */
  readonly maxConcurrent: number
  /** Undefined where there can be no second process: a suspect is handled in this one then. */
  readonly askApart: AskApart | undefined
  readonly add: (job: BatchJob<EventBatch>) => Promise<void>
  readonly now: () => number
}

/** For a process to begin. */
const startUpMs = 10_000

/** Runs a handler's jobs and keeps the record of its deliveries. */
export function createHandlerProcessor(
  { name, policy, handle }: ActiveHandler,
  { db, log, metrics, maxConcurrent, askApart, add, now }: HandlerProcessorDeps,
): (context: BatchContext<EventBatch>) => Promise<void> {
  return createEventRunner({
    policy,
    maxConcurrent: Math.min(maxConcurrent, policy.maxCalls ?? maxConcurrent),
    handle,
    now,
    isolation: {
      split: async (parts) => {
        for (const part of parts) await add(toEventJob(name, part))
      },
      handleApart: (event, signal) => handleApart(event, signal),
    },
    finished: (eventIds, replayId) => finishedEventIds(db, name, eventIds, replayId),
    record: async (results, startedAt, replayId) => {
      await recordDeliveries(db, { handler: name, startedAt, finishedAt: now(), replayId, records: results })
      observe(results)
    },
  })

  async function handleApart(event: MailboxEvent, signal: AbortSignal): Promise<Outcome> {
    if (askApart === undefined) return (await handle([event], signal)).get(event.id) ?? retry('no outcome')
    const { timeoutMs } = policy
    const result = await askApart({ kind: 'event', handler: name, event, timeoutMs }, timeoutMs + startUpMs)
    if (!result.ok) return discard(`the process that handled it ended with ${result.death}`)
    const { outcome } = result.reply
    switch (outcome.status) {
      case 'done':
        return done(outcome.note)
      case 'retry':
        return retry(outcome.reason, outcome.notBefore)
      case 'hold':
        return hold(outcome.reason, outcome.notBefore)
      case 'discard':
        return discard(outcome.reason)
    }
  }

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
