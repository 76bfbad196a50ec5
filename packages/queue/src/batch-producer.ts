import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import pRetry from 'p-retry'
import type { QueueSpec } from './catalog.ts'
import { createReplicatedWrite, type Write } from './replicated-write.ts'

/** Redis did not confirm the batch. It may still have stored it; adding it again with the same id is harmless. */
export class EnqueueError extends Error {
  override readonly name = 'EnqueueError'
}

export interface BatchJob<Payload> {
  /** A UUID: a sender's own id could collide with BullMQ's key names. */
  readonly id: string
  /** Shown on the board. */
  readonly name: string
  readonly payload: Payload
}

export interface BatchProducer<Payload> extends AsyncDisposable {
  /**
   * Adds a job and returns once Redis has stored it. Adding the same id again has no effect while the job exists.
   *
   * @throws EnqueueError if Redis does not confirm within the deadline
   */
  add(job: BatchJob<Payload>): Promise<void>
  readonly queue: Queue
}

export interface BatchProducerOptions {
  readonly prefix: string
  /** Time limit for one add, including all retries. */
  readonly deadlineMs: number
  /** Replicas that must confirm a job before `add` returns. */
  readonly replicas: number
  readonly onError: (error: Error) => void
}

/** The caller owns the connection and closes it. */
export function createBatchProducer<Payload>(
  spec: QueueSpec<Payload>,
  connection: Redis,
  options: BatchProducerOptions,
): BatchProducer<Payload> {
  const queue = openQueue(spec, connection, options)
  const write = createReplicatedWrite(connection, options.replicas)
  return {
    queue,
    add: (job) => addWithin(queue, job, { spec, write, deadlineMs: options.deadlineMs }),
    [Symbol.asyncDispose]: () => queue.close(),
  }
}

/** Every process opens queues here: jobs get the same options everywhere, and errors are not printed as text. */
export function openQueue(
  spec: QueueSpec<unknown>,
  connection: Redis,
  { prefix, onError }: Pick<BatchProducerOptions, 'prefix' | 'onError'>,
): Queue {
  const queue = new Queue(spec.name, {
    connection,
    prefix,
    // Without both, a queue opened while Redis is down hangs, or never recovers (measured with BullMQ 6.7).
    skipWaitingForReady: true,
    skipVersionCheck: true,
    streams: { events: { maxLen: 1_000 } },
    defaultJobOptions: { attempts: spec.policy.attempts, backoff: { type: 'custom' }, stackTraceLimit: 1 },
  })
  queue.on('error', onError)
  return queue
}

async function addWithin<Payload>(
  queue: Queue,
  job: BatchJob<Payload>,
  {
    spec,
    write,
    deadlineMs,
  }: { readonly spec: QueueSpec<Payload>; readonly write: Write; readonly deadlineMs: number },
): Promise<void> {
  // Not AbortSignal.timeout(): its timer outlives the add, and it creates an error with a stack each time.
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(new Error('no answer from Redis')), deadlineMs)
  try {
    await pRetry(() => write(() => queue.add(job.name, job.payload, { jobId: job.id })), {
      retries: 5,
      minTimeout: 50,
      factor: 2,
      maxRetryTime: deadlineMs,
      signal: abort.signal,
    })
  } catch (cause) {
    throw new EnqueueError(`Redis did not confirm a job for ${spec.name} within ${deadlineMs} ms`, { cause })
  } finally {
    clearTimeout(timer)
  }
}
