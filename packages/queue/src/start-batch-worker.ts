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

/** A part of ours (the database, Redis) is unreachable: the job comes back later, and no attempt is counted. */
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
  readonly stalledCount: number
  /** Failed attempts that BullMQ has counted. */
  readonly attemptsMade: number
  /** Replaces the payload, for the attempts to come. */
  readonly updatePayload: (payload: Payload) => Promise<void>
  /** Work that has not begun is handed back then: throw UnavailableError. */
  readonly isStopping: () => boolean
  /** Aborts when the lock is lost: another worker may have the job then. */
  readonly signal: AbortSignal
}

export interface BatchWorkerOptions<Payload> {
  readonly spec: QueueSpec<Payload>
  /** Opens a connection that waits while Redis is unreachable; the worker ends it. */
  readonly connect: () => Redis
  readonly prefix: string
  readonly concurrency: number
  /** How long a job stays this worker's without a sign of life. */
  readonly lockMs: number
  readonly process: (context: BatchContext<Payload>) => Promise<void>
  readonly onError: (error: Error) => void
  readonly watch: WorkerWatch
  /** There are jobs and none has ended for long, also on new connections: only a new process can help. */
  readonly onStuck: (error: WorkerStuckError) => void
  /** From the beginning of the disposal; what is in progress by then is left to other workers. */
  readonly stopMs: number
  readonly now: () => number
  readonly random: () => number
}

/** How a worker is watched from outside. */
export interface WorkerWatch {
  /** A connection of its own, which tells what waits also while the worker's hang. */
  readonly redis: Redis
  readonly everyMs: number
  /** Longer than any call of the processor may take, with what is around it. */
  readonly stuckAfterMs: number
}

/** A worker that ends no jobs although there are some. */
export class WorkerStuckError extends Error {
  override readonly name = 'WorkerStuckError'
}

export interface BatchWorker extends AsyncDisposable {
  readonly queueName: string
  /** False when jobs wait that this worker could take and does not, or when it has not ended one for long. */
  readonly isConsuming: boolean
}

/** Takes jobs of one queue until it is disposed; disposal takes no more at once, and waits for those in progress. */
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
      `${spec.name}: ${waiting} jobs wait, ${inProgress} are in progress, and none has ended for ${watch.stuckAfterMs / 1_000} s`,
    )
    if (verdict === 'give up') return options.onStuck(error)
    onError(error)
    endedBefore += ended
    // The jobs in progress go on without their locks; whatever they still do, they may do twice.
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

/** For what a worker and Redis still have to tell each other once no job is in progress. */
const farewellMs = 3_000

/** Waits for the jobs in progress as far as Redis and the time limit allow. */
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
    : `${counts.inProgress} jobs did not end in ${(stopMs - farewellMs) / 1_000} s and are left to other workers`
  onError(new WorkerStuckError(`${spec.name}: the worker was cut off: ${why}`))
  abandon(running, onError)
}

/** Its pending commands fail, and it takes nothing more. The errors it still reports are a consequence. */
function abandon({ worker, connections }: RunningWorker, onError: (error: Error) => void): void {
  worker.on('error', () => undefined).off('error', onError)
  worker.close(true).catch(() => undefined)
  worker.stopRenewing().catch(onError)
  for (const connection of connections) connection.disconnect()
}

/** A worker that is closing and can't end renews locks for ever, which keeps the process alive. */
class CuttableWorker extends Worker {
  stopRenewing(): Promise<void> {
    return this.lockManager.close()
  }
}

interface RunningWorker {
  readonly worker: CuttableWorker
  /** The one that was opened for it, and the copies that BullMQ has made of it. */
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

/** BullMQ leaves a job active for ever when its processor throws undefined. */
function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
