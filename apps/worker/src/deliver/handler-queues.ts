import { createBatchProducer, type BatchProducer } from '@warmhook/queue/batch-producer'
import { handlerQueue } from '@warmhook/queue/catalog'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import type { Redis } from 'ioredis'
import { toHandlerJob } from './handler-job.ts'

/** The queues of all handlers, also of those that only other workers know. */
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
 * Ways into the handlers' queues, opened when they are first needed. Replicas are not waited for: what a failover forgets
 * is in the outbox.
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
 * Of the policy, a job carries only how often BullMQ tries it again by itself. A handler's attempts are counted for each
 * event, so that is for what nobody expected: a job that ends so is made again by the sweeper.
 */
const producerPolicy = {
  batchMax: 1,
  overlap: 'any batch',
  attempts: 20,
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  timeoutMs: 0,
} as const
