import { DelayedError, Worker, type Job, type Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { openQueue } from './batch-producer.ts'
import { backoffMs, type QueueSpec } from './catalog.ts'
import { disconnect } from './connections.ts'
import { createProgressJudge } from './judge-progress.ts'

/** A part of ours (the database, Redis) is away: the job comes back later, and no attempt is counted. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
}

/** The job comes back at `notBefore` (ms since the epoch). Attempts are the processor's to count. */
export class RetryAtError extends Error {
  override readonly name = 'RetryAtError'
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
  /** How often the process that had the job died, or lost it for being too slow. */
  readonly deaths: number
  /** Failed attempts that BullMQ has counted. */
  readonly attemptsMade: number
  /** Replaces the payload, for the attempts to come. */
  readonly keep: (payload: Payload) => Promise<void>
  /** Work that has not begun is handed back then: throw UnavailableError. */
  readonly isStopping: () => boolean
  /** Aborts when the lock is lost: another worker may have the job then. */
  readonly signal: AbortSignal
}

export interface BatchWorkerOptions<Payload> {
  readonly spec: QueueSpec<Payload>
  /** Opens a connection that waits while Redis is away; the worker ends it. */
  readonly connect: () => Redis
  readonly prefix: string
  readonly concurrency: number
  /** How long a job stays this worker's without a sign of life. */
  readonly lockMs: number
  readonly process: (context: BatchContext<Payload>) => Promise<void>
  readonly onError: (error: Error) => void
  /** Jobs wait and none is taken, also on new connections: only a new process can help. */
  readonly onStuck: (error: WorkerStuckError) => void
  readonly now: () => number
  readonly random: () => number
}

/** A worker that takes no jobs although some wait. */
export class WorkerStuckError extends Error {
  override readonly name = 'WorkerStuckError'
}

/** Takes jobs of one queue until it is disposed; disposal waits for the jobs in hand. */
export function startBatchWorker<Payload>(options: BatchWorkerOptions<Payload>): AsyncDisposable {
  const state: WorkerState = { taken: 0, ended: 0, isStopping: false }
  let running = openWorker(options, state)
  const judge = createProgressJudge(stuckAfterMs)
  const look = async (): Promise<void> => {
    const waiting = await countWaiting(running.queue)
    const verdict = judge({ at: performance.now(), waiting, ...state })
    if (verdict === 'fine') return
    const error = new WorkerStuckError(
      `${waiting} jobs of ${options.spec.name} wait, and none was taken or ended for long`,
    )
    if (verdict === 'give up') return options.onStuck(error)
    options.onError(error)
    // The jobs in hand go on without their locks; whatever they still do, they may do twice.
    running.worker.close(true).catch(options.onError)
    running.connection.disconnect()
    running = openWorker(options, state)
  }
  const timer = setInterval(() => void look().catch(options.onError), lookEveryMs)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      state.isStopping = true
      await running.worker.close()
      await running.queue.close()
      await disconnect(running.connection)
    },
  }
}

/** Longer than any call of a handler may take. */
const stuckAfterMs = 60_000
const lookEveryMs = 5_000

interface WorkerState {
  taken: number
  ended: number
  isStopping: boolean
}

interface RunningWorker {
  readonly worker: Worker
  readonly queue: Queue
  readonly connection: Redis
}

function openWorker<Payload>(options: BatchWorkerOptions<Payload>, state: WorkerState): RunningWorker {
  const { spec, prefix } = options
  const connection = options.connect()
  const worker = new Worker(
    spec.name,
    // BullMQ passes the signal only to a function with three named parameters.
    async (job, token, signal) => {
      state.taken += 1
      try {
        await runJob(job, token, signal ?? new AbortController().signal, options, () => state.isStopping)
      } finally {
        state.ended += 1
      }
    },
    {
      connection,
      prefix,
      concurrency: options.concurrency,
      // A killed worker's batches are taken over within a lock and two intervals.
      lockDuration: options.lockMs,
      stalledInterval: Math.round(options.lockMs / 3),
      // A worker that is killed again and again must not turn an accepted event into a failure.
      maxStalledCount: 1_000_000,
      removeOnComplete: { ...spec.retention.completed },
      removeOnFail: { ...spec.retention.failed },
      settings: {
        backoffStrategy: (attemptsMade) => backoffMs(spec.policy, attemptsMade, options.random),
      },
    },
  )
  worker.on('error', options.onError)
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'the lock is lost: another worker may have the job')
  })
  return { worker, queue: openQueue(spec, connection, options), connection }
}

/** A paused queue's jobs wait on purpose. */
async function countWaiting(queue: Queue): Promise<number> {
  if (await queue.isPaused()) return 0
  return (await queue.getJobCounts('waiting'))['waiting'] ?? 0
}

async function runJob<Payload>(
  job: Job,
  token: string | undefined,
  signal: AbortSignal,
  { spec, process, now, random }: BatchWorkerOptions<Payload>,
  isStopping: () => boolean,
): Promise<void> {
  try {
    await process({
      jobId: job.id ?? '',
      payload: spec.payload.parse(job.data),
      attempt: job.attemptsStarted,
      deaths: job.stalledCounter,
      isStopping,
      attemptsMade: job.attemptsMade,
      keep: (payload) => job.updateData(payload),
      signal,
    })
  } catch (error) {
    if (!(error instanceof UnavailableError || error instanceof RetryAtError)) throw toError(error)
    const pause = () => backoffMs(spec.policy, Math.min(job.attemptsStarted, 8), random)
    // Neither counts an attempt.
    await job.moveToDelayed(error instanceof RetryAtError ? error.notBefore : now() + pause(), token)
    throw new DelayedError(error.message)
  }
}

/** BullMQ leaves a job active for ever when its processor throws undefined. */
function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
