import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import pRetry from 'p-retry'
import type { QueueSpec } from './catalog.ts'
import { createReplicatedWrite, type Write } from './replicated-write.ts'

/** The batch is not known to be in Redis. It may be there all the same: the same id makes a repeat harmless. */
export class EnqueueError extends Error {
  override readonly name = 'EnqueueError'
}

export interface BatchJob<Payload> {
  /** A UUID: a sender's own id could collide with BullMQ's key names. */
  readonly id: string
  /** What people read on the board. */
  readonly name: string
  readonly payload: Payload
}

export interface BatchProducer<Payload> extends AsyncDisposable {
  /**
   * Adds a job and returns once Redis has it. A repeat with the same id changes nothing while the job exists.
   *
   * @throws EnqueueError when Redis did not confirm within the deadline
   */
  add(job: BatchJob<Payload>): Promise<void>
  readonly queue: Queue
}

export interface BatchProducerOptions {
  readonly prefix: string
  /** Bounds an add with all its repeats. */
  readonly deadlineMs: number
  /** Replicas that must have a job before its add is done. */
  readonly replicas: number
  readonly onError: (error: Error) => void
}

/** The connection stays the caller's. */
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

/** The one way to open a queue, so that every process gives its jobs the same options and none prints its errors as text. */
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
  // Not AbortSignal.timeout(): its timer outlives the add, and makes an error with a stack each time.
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
