import { DelayedError, Worker, type Job } from 'bullmq'
import type { Redis } from 'ioredis'
import pTimeout from 'p-timeout'
import { openQueue } from './batch-producer.ts'
import { backoffMs, type QueueSpec } from './catalog.ts'
import { disconnect } from './connections.ts'
import { countClaimable } from './count-claimable.ts'
import { createStallDetector } from './detect-stall.ts'
import { createTakingCheck } from './check-taking.ts'
import { CommitTimeoutError } from '@warmhook/batching/group-commit'
import { createJobCounts, type JobCounts } from './job-counts.ts'

/** The database or Redis is unreachable: the job is retried later, and no attempt is counted. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
}

/** The job is retried at `notBefore` (ms since the epoch). The processor counts attempts itself. */
export class RetryAtError extends Error {
  override readonly name = 'RetryAtError'
  readonly notBefore: number

  constructor(message: string, notBefore: number) {
    super(message)
    this.notBefore = notBefore
  }
}

/** A job as its processor sees it. */
export interface BatchContext<Payload> {
  readonly jobId: string
  readonly payload: Payload
  /** Starts at 1; also counts attempts whose process died. */
  readonly attempt: number
  /** How often the job stalled: its process died, or lost the lock because it was too slow. */
  readonly stalledCount: number
  /** Failed attempts counted by BullMQ. */
  readonly attemptsMade: number
  /** Replaces the payload for later attempts. */
  readonly updatePayload: (payload: Payload) => Promise<void>
  /** If true, hand back work that has not started by throwing UnavailableError. */
  readonly isStopping: () => boolean
  /** Aborts when the lock is lost: another worker may then have the job. */
  readonly signal: AbortSignal
}

export interface BatchWorkerOptions<Payload> {
  readonly spec: QueueSpec<Payload>
  /** Opens a connection that waits while Redis is unreachable; the worker closes it. */
  readonly connect: () => Redis
  readonly prefix: string
  readonly concurrency: number
  /** How long a job's lock lasts without renewal. */
  readonly lockMs: number
  readonly process: (context: BatchContext<Payload>) => Promise<void>
  readonly onError: (error: Error) => void
  readonly watch: WorkerWatch
  /** There are jobs, but none finishes, even on new connections: only a new process can help. */
  readonly onStuck: (error: WorkerStuckError) => void
  /** Time limit for the disposal; jobs still in progress are then left to other workers. */
  readonly stopMs: number
  readonly now: () => number
  readonly random: () => number
}

/** How a worker's progress is checked. */
export interface WorkerWatch {
  /** A separate connection, so that waiting jobs can be counted even if the worker's connections hang. */
  readonly redis: Redis
  readonly everyMs: number
  /** Longer than any call of the processor may take, including overhead. */
  readonly stuckAfterMs: number
}

/** A worker finishes no jobs although there are some. */
export class WorkerStuckError extends Error {
  override readonly name = 'WorkerStuckError'
}

export interface BatchWorker extends AsyncDisposable {
  readonly queueName: string
  /** False if this worker takes none of the waiting jobs although it could, or is stuck. */
  readonly isConsuming: boolean
}

/** Takes jobs of one queue until disposed. Disposal stops taking jobs immediately and waits for those in progress. */
export function startBatchWorker<Payload>(options: BatchWorkerOptions<Payload>): BatchWorker {
  const { spec, prefix, watch, onError } = options
  const stop = new AbortController()
  let running = openWorker(options, stop.signal)
  let endedBefore = 0
  const queue = openQueue(spec, watch.redis, { prefix, onError })
  const detectStall = createStallDetector(watch.stuckAfterMs)
  const takesJobs = createTakingCheck(options.concurrency)
  let isConsuming = true
  const look = async (): Promise<void> => {
    const waiting = await countClaimable(queue, watch.redis, options.now()).catch(() => undefined)
    const { taken, ended, inProgress } = running.counts
    const at = performance.now()
    const verdict = detectStall({ at, waiting, inProgress, ended: endedBefore + ended })
    isConsuming = takesJobs({ at, waiting, inProgress, taken: endedBefore + taken }) && verdict === 'fine'
    if (verdict === 'fine' || stop.signal.aborted) return
    const error = new WorkerStuckError(
      `${spec.name}: ${waiting} jobs waiting, ${inProgress} in progress, none finished for ${watch.stuckAfterMs / 1_000} s`,
    )
    if (verdict === 'give up') return options.onStuck(error)
    onError(error)
    endedBefore += ended
    // The jobs in progress continue without their locks, so their remaining work may be done twice.
    abandon(running, onError)
    running = openWorker(options, stop.signal)
  }
  const timer = setInterval(() => void look().catch(onError), watch.everyMs)
  timer.unref()
  return {
    queueName: spec.name,
    get isConsuming() {
      return isConsuming
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      stop.abort()
      await closeWorker(running, options)
      await queue.close()
    },
  }
}

/** For a worker's last Redis commands, once no job is in progress. */
const farewellMs = 3_000

/** Waits for the jobs in progress unless Redis does not answer or the time limit is reached. */
async function closeWorker(
  running: RunningWorker,
  {
    stopMs,
    spec,
    onError,
  }: Pick<BatchWorkerOptions<unknown>, 'stopMs' | 'onError'> & { readonly spec: { readonly name: string } },
): Promise<void> {
  const { worker, connections, counts } = running
  const closed = worker.close().then(() => true)
  const isLate = (): false => false
  const ended = counts.whenNoneInProgress().then(() => true)
  const isIdle = await pTimeout(ended, { milliseconds: stopMs - farewellMs, fallback: isLate })
  if (isIdle && (await pTimeout(closed, { milliseconds: farewellMs, fallback: isLate }))) {
    await Promise.all(connections.map(disconnect))
    return
  }
  const why = isIdle
    ? `Redis did not answer within ${farewellMs / 1_000} s`
    : `${counts.inProgress} jobs did not finish within ${(stopMs - farewellMs) / 1_000} s and are left to other workers`
  onError(new WorkerStuckError(`${spec.name}: the worker was forced to stop: ${why}`))
  abandon(running, onError)
}

/** Fails its pending commands and stops it from taking jobs. Errors that it still reports are a consequence. */
function abandon({ worker, connections }: RunningWorker, onError: (error: Error) => void): void {
  worker.on('error', () => undefined).off('error', onError)
  worker.close(true).catch(() => undefined)
  worker.stopRenewing().catch(onError)
  for (const connection of connections) connection.disconnect()
}

/** What BullMQ's `moveToActive` resolves to when there is no job, although its type does not say so. */
const noJob = undefined as unknown as Job

class CuttableWorker extends Worker {
  /** BullMQ would take the job that ends a blocking read even if the worker began to close meanwhile. */
  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    return this.closing === undefined ? super.moveToActive(token, name) : noJob
  }

  /** A worker that hangs while closing renews locks forever, which keeps the process alive. */
  stopRenewing(): Promise<void> {
    return this.lockManager.close()
  }
}

interface RunningWorker {
  readonly worker: CuttableWorker
  /** The connection opened for it, and BullMQ's duplicates of it. */
  readonly connections: readonly Redis[]
  readonly counts: JobCounts
}

function openWorker<Payload>(options: BatchWorkerOptions<Payload>, stop: AbortSignal): RunningWorker {
  const { spec, prefix } = options
  const connection = options.connect()
  const connections = [connection]
  const duplicate = connection.duplicate.bind(connection)
  connection.duplicate = (override) => {
    const copy = duplicate(override)
    connections.push(copy)
    return copy
  }
  const counts = createJobCounts()
  const worker = new CuttableWorker(
    spec.name,
    // BullMQ passes the signal only to a function with three named parameters.
    (job, token, signal) =>
      counts.run(() => runJob(job, token, signal ?? new AbortController().signal, options, () => stop.aborted)),
    {
      connection,
      prefix,
      concurrency: options.concurrency,
      // Other workers take over a killed worker's batches within one lock duration and two intervals.
      lockDuration: options.lockMs,
      stalledInterval: Math.round(options.lockMs / 3),
      // Repeatedly killed workers must not cause an accepted event to fail.
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
    for (const jobId of jobIds) worker.cancelJob(jobId, 'the lock was lost: another worker may have the job')
  })
  return { worker, connections, counts }
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
      stalledCount: job.stalledCounter,
      isStopping,
      attemptsMade: job.attemptsMade,
      updatePayload: (payload) => job.updateData(payload),
      signal,
    })
  } catch (error) {
    const isOurs = error instanceof UnavailableError || error instanceof CommitTimeoutError
    if (!isOurs && !(error instanceof RetryAtError)) throw toError(error)
    const pause = () => backoffMs(spec.policy, Math.min(job.attemptsStarted, 8), random)
    // Neither counts an attempt.
    await job.moveToDelayed(error instanceof RetryAtError ? error.notBefore : now() + pause(), token)
    throw new DelayedError(error.message)
  }
}

/** BullMQ leaves a job active forever if its processor throws undefined. */
function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
