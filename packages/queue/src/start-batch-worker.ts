import { DelayedError, Worker, type Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { backoffMs, type QueueSpec } from './catalog.ts'

/** A part of ours (the database, Redis) is away: the job comes back later, and no attempt is counted. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
}

/** Some events of the batch have to be tried again; `notBefore` (ms since the epoch) is when a peer asked for it. */
export class RetryLaterError extends Error {
  override readonly name = 'RetryLaterError'
  readonly notBefore: number

  constructor(message: string, notBefore: number) {
    super(message)
    this.notBefore = notBefore
  }
}

/** What a processor sees of its job. */
export interface BatchContext<Payload> {
  readonly jobId: string
  readonly payload: Payload
  /** Counting from 1; grows also when an attempt died with its process. */
  readonly attempt: number
  /** True when a failure now is final. */
  readonly isLastAttempt: boolean
  /** Replaces the payload, for the attempts to come. */
  readonly keep: (payload: Payload) => Promise<void>
  /** Aborts when the lock is lost: another worker may have the job then. */
  readonly signal: AbortSignal
}

export interface BatchWorkerOptions<Payload> {
  readonly spec: QueueSpec<Payload>
  readonly connection: Redis
  readonly prefix: string
  readonly concurrency: number
  readonly process: (context: BatchContext<Payload>) => Promise<void>
  readonly onError: (error: Error) => void
  readonly now: () => number
  readonly random: () => number
}

/** Takes jobs of one queue until it is disposed; disposal waits for the jobs in hand. */
export function startBatchWorker<Payload>(options: BatchWorkerOptions<Payload>): AsyncDisposable {
  const { spec } = options
  const worker = new Worker(
    spec.name,
    // BullMQ passes the signal only to a function with three named parameters.
    (job, token, signal) => runJob(job, token, signal ?? new AbortController().signal, options),
    {
      connection: options.connection,
      prefix: options.prefix,
      concurrency: options.concurrency,
      // A killed worker's batches are taken over within lock and interval: at most 25 s.
      lockDuration: 15_000,
      stalledInterval: 5_000,
      // A worker that is killed again and again must not turn an accepted event into a failure.
      maxStalledCount: 1_000_000,
      removeOnComplete: { ...spec.retention.completed },
      removeOnFail: { ...spec.retention.failed },
      settings: {
        backoffStrategy: (attemptsMade, _type, error) => {
          const pause = backoffMs(spec.policy, attemptsMade, options.random)
          return error instanceof RetryLaterError ? Math.max(pause, error.notBefore - options.now()) : pause
        },
      },
    },
  )
  worker.on('error', options.onError)
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'the lock is lost: another worker may have the job')
  })
  return { [Symbol.asyncDispose]: () => worker.close() }
}

async function runJob<Payload>(
  job: Job,
  token: string | undefined,
  signal: AbortSignal,
  { spec, process, now, random }: BatchWorkerOptions<Payload>,
): Promise<void> {
  try {
    await process({
      jobId: job.id ?? '',
      payload: spec.payload.parse(job.data),
      attempt: job.attemptsStarted,
      isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
      keep: (payload) => job.updateData(payload),
      signal,
    })
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw toError(error)
    await job.moveToDelayed(now() + backoffMs(spec.policy, Math.min(job.attemptsStarted, 8), random), token)
    throw new DelayedError(error.message)
  }
}

/** BullMQ leaves a job active for ever when its processor throws undefined. */
function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
