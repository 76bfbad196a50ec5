import { createBatchProducer, type BatchProducer } from '@warmhook/queue/batch-producer'
import { handlerQueue } from '@warmhook/queue/catalog'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import type { Redis } from 'ioredis'
import { toHandlerJob } from './handler-job.ts'

/** The queues of all handlers, including those known only to other workers. */
export interface HandlerQueues extends AsyncDisposable {
  add(job: OutboxJob): Promise<void>
  of(handler: string): BatchProducer<unknown>
}

export interface HandlerQueuesOptions {
  readonly connection: Redis
  readonly prefix: string
  readonly onError: (error: unknown) => void
}

const addDeadlineMs = 5_000

/**
 * Producers for the handlers' queues, opened on first use. They do not wait for replicas: jobs lost in a failover are
 * in the outbox.
 */
export function openHandlerQueues({ connection, prefix, onError }: HandlerQueuesOptions): HandlerQueues {
  const producers = new Map<string, BatchProducer<unknown>>()
  const of = (handler: string): BatchProducer<unknown> => {
    const spec = handlerQueue({ name: handler, policy: producerPolicy })
    const producer =
      producers.get(handler) ??
      createBatchProducer(spec, connection, { prefix, deadlineMs: addDeadlineMs, replicas: 0, onError })
    producers.set(handler, producer)
    return producer
  }
  return {
    of,
    add: (job) => of(job.handler).add(toHandlerJob(job)),
    async [Symbol.asyncDispose]() {
      await Promise.all([...producers.values()].map((producer) => producer[Symbol.asyncDispose]()))
    },
  }
}

/**
 * A job only carries the settings for BullMQ's own retries. A handler's attempts are counted per event, so these
 * retries only apply to unexpected errors; the sweeper recreates a job that uses them up.
 */
const producerPolicy = {
  batchMax: 1,
  overlap: 'any batch',
  attempts: 20,
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  timeoutMs: 0,
} as const
