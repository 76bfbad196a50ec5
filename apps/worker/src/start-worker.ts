import { EnvError } from '@warmhook/config/parse-env'
import type { ActiveHandler } from '@warmhook/handlers/registry'
import { stopLimits } from '@warmhook/handlers/stop-limits'
import { startLedgerUpkeep } from '@warmhook/ledger/start-ledger-upkeep'
import { createAppServer } from '@warmhook/lifecycle/create-app-server'
import { listen } from '@warmhook/lifecycle/listen'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { createBatchProducer, openQueue } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue, reconcileQueue, type QueueSpec } from '@warmhook/queue/catalog'
import { connectConsumer, connectProducer, disconnect } from '@warmhook/queue/connections'
import { startBatchWorker, type BatchContext, type BatchWorker } from '@warmhook/queue/start-batch-worker'
import { stuckAfterMs } from '@warmhook/queue/time-limits'
import { JOB_LIMITS } from '@warmhook/schema/batch'
import { warnOfRedisSettings } from '@warmhook/queue/warn-of-redis-settings'
import type { Database } from '@warmhook/store/database'
import { ping } from '@warmhook/store/ping'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import { createMetrics } from '@warmhook/telemetry/metrics'
import type { Redis } from 'ioredis'
import type { MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { createApp } from './app.ts'
import { createRouter, maxGroupedJobs } from './create-router.ts'
import { createHandlerProcessor } from './deliver/create-handler-processor.ts'
import { startOutbox } from './deliver/start-outbox.ts'
import { startReconciling } from './reconcile/start-reconciling.ts'
import { startReporting } from './start-reporting.ts'
import { startRetention } from './start-retention.ts'
import type { Sandbox } from './sandbox/create-sandbox.ts'
import { watchReadiness } from './watch-readiness.ts'
import { watchSubscriptions } from './watch-subscriptions.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

export interface WorkerSettings {
  readonly redisUrl: string
  readonly host: string
  readonly port: number
  readonly prefix: string
  readonly dedupeWindowMs: number
  /** 0: everything is kept. */
  readonly retentionDays: number
  /** What a compressed body may inflate to; also the ingress's limit. */
  readonly maxBodyBytes: number
  /** The queues that this worker takes; undefined: all. */
  readonly queues: readonly string[] | undefined
  /** Calls of a handler at once, per queue. */
  readonly concurrency: number
  /** How long the jobs of a worker that gives no sign stay its own. */
  readonly lockMs: number
  /** Between two reconciliations of an owner. */
  readonly reconcileEveryMs: number
  /** Pauses that are open for longer are rechecked; undefined: none. */
  readonly recheckAfterMs: number | undefined
}

export interface WorkerDeps {
  readonly db: Database
  /** Every handler that this process has the settings of, also those whose queue another worker takes. */
  readonly handlers: readonly ActiveHandler[]
  /** Mailivery's API per owner; an owner without an account is not reconciled. */
  readonly mailivery: MailiveryAccounts
  readonly log: Logger
  /** Undefined where there can be no second process beside this one. */
  readonly sandbox: Sandbox | undefined
  /** Whether the installation has no other worker, so that a handler without settings here is off. */
  readonly isOnlyWorker: boolean
  /** The process can't go on: its supervisor has to start another. */
  readonly onStuck: (error: Error) => void
  readonly now: () => number
  readonly random: () => number
}

/** Full groups that the router prefetches: those being recorded, and as many that wait, so that the next is full, too. */
const groupsInHand = 4

/** Their bytes in Redis. A body that is longer than a job should be has a job of its own. */
const maxIntakeBytes = 64 * 1024 * 1024

function intakeJobsInProgress(maxBodyBytes: number): number {
  const largestJob = Math.max(JOB_LIMITS.maxSize, 2 * maxBodyBytes)
  return Math.max(1, Math.min(groupsInHand * maxGroupedJobs, Math.floor(maxIntakeBytes / largestJob)))
}

/** Jobs prefetched for each call of a handler: small batches that come one by one are handled together. */
const jobsPerCall = 4

/** Takes batches off the queues. Disposal takes no more, and waits for those in progress. */
export async function startWorker(
  settings: WorkerSettings,
  deps: WorkerDeps,
): Promise<AsyncDisposable & { readonly url: string }> {
  const takes = queueChoice(settings.queues, deps.handlers)
  return ResourceScope.build(async (scope) => {
    const { log, handlers } = deps
    const registry = createMetrics('worker')
    const metrics = createWorkerMetrics(registry)
    const report = createErrorReporter(log)
    scope.defer('error counts', () => report.flush())
    const onError = report('redis (worker)')
    const connect = (): Redis => connectConsumer({ url: settings.redisUrl, onError })
    const consumer = connect()
    scope.defer('redis consumer', () => disconnect(consumer))
    const watch = connectProducer({ url: settings.redisUrl, onError })
    scope.defer('redis watch', () => disconnect(watch))
    warnOfRedisSettings(watch, { warn: (message) => log.warn(message), onError })
    const workers: BatchWorker[] = []
    const readiness = watchReadiness({
      needs: { Redis: () => watch.ping(), Postgres: () => ping(deps.db) },
      workers: () => workers,
      now: () => performance.now(),
    })
    scope.defer('readiness', () => readiness[Symbol.dispose]())
    const server = createAppServer(createApp({ readiness, registry, report }).fetch)
    const url = await listen(scope, server, { ...settings, variable: 'WORKER_PORT', onError: report('http server') })

    const starts: (() => BatchWorker)[] = []
    const run = <Payload>(
      spec: QueueSpec<Payload>,
      process: (context: BatchContext<Payload>) => Promise<void>,
      concurrency: number,
    ): void => {
      if (!takes(spec.name)) return
      const { prefix, lockMs } = settings
      const { now, random, onStuck } = deps
      const watched = { redis: watch, everyMs: 5_000, stuckAfterMs: stuckAfterMs(spec.policy) }
      const limits = { concurrency, lockMs, stopMs: stopLimits.workersMs, watch: watched }
      starts.push(() => startBatchWorker({ spec, connect, prefix, process, onError, onStuck, now, random, ...limits }))
    }
    const { db, sandbox, isOnlyWorker } = deps
    const onDatabaseError = report('database')
    const subscriptions = scope.use(
      'subscriptions',
      await watchSubscriptions({ db, own: handlers, isOnlyWorker, onError: onDatabaseError }),
    )
    const producer = connectProducer({ url: settings.redisUrl, onError })
    scope.defer('redis producer', () => disconnect(producer))
    const outbox = startOutbox(scope, {
      db,
      connection: producer,
      prefix: settings.prefix,
      subscriptions,
      metrics,
      onError,
      onSweepError: report('sweeper'),
    })
    for (const handler of handlers) {
      const maxConcurrent = settings.concurrency
      const process = createHandlerProcessor(handler, {
        ...deps,
        metrics,
        maxConcurrent,
        add: outbox.add(handler.name),
      })
      run(handlerQueue(handler), process, maxConcurrent * jobsPerCall)
    }
    const intake = createBatchProducer(intakeQueue, producer, { ...intakeWrites, prefix: settings.prefix, onError })
    scope.use('way into intake', intake)
    const router = createRouter({
      db,
      maxBodyBytes: settings.maxBodyBytes,
      terms: { dedupeWindowMs: settings.dedupeWindowMs, plan: outbox.plan },
      enqueue: outbox.enqueue,
      subscriptions,
      isolation: { db, addToIntake: (job) => intake.add(job), sandbox },
    })
    run(intakeQueue, router, intakeJobsInProgress(settings.maxBodyBytes))
    const reconciles = deps.mailivery.size > 0
    if (reconciles && takes(reconcileQueue.name)) {
      const reconcile = startReconciling(scope, {
        db,
        accounts: deps.mailivery,
        everyMs: settings.reconcileEveryMs,
        recheckAfterMs: settings.recheckAfterMs,
        redis: producer,
        prefix: settings.prefix,
        add: (job) => intake.add(job),
        now: deps.now,
        onError: report('reconciliation'),
      })
      run(reconcileQueue, reconcile, 1)
    }
    keepLedger(scope, consumer, settings, { ...deps, onError: report('ledger upkeep') })
    const retention = startRetention({
      db,
      keptDays: settings.retentionDays,
      dedupeWindowMs: settings.dedupeWindowMs,
      metrics,
      now: deps.now,
      onRemoved: (removed) => log.info({ removed, keptDays: settings.retentionDays }, 'removed what is too old'),
      onError: report('retention'),
    })
    scope.use('retention', retention)
    const own = [intakeQueue.name, ...(reconciles ? [reconcileQueue.name] : []), ...handlers.map(({ name }) => name)]
    const queues = own.filter(takes)
    const reporter = connectProducer({ url: settings.redisUrl, onError })
    scope.defer('redis reporter', () => disconnect(reporter))
    scope.use('reports', startReporting({ redis: reporter, prefix: settings.prefix, queues, metrics, onError }))
    const stopWorkers = (): Promise<void> => {
      log.info('worker stops: it takes no more batches')
      return stopAll(workers)
    }
    scope.defer('workers', stopWorkers, stopLimits.workersMs + 1_000)
    for (const start of starts) workers.push(start())
    log.info({ url, queues }, 'worker takes batches')
    return { url }
  })
}

function keepLedger(
  scope: ResourceScope,
  connection: Redis,
  { prefix }: WorkerSettings,
  { db, now, onError }: Pick<WorkerDeps, 'db' | 'now'> & { readonly onError: (error: unknown) => void },
): void {
  const intake = openQueue(intakeQueue, connection, { prefix, onError })
  scope.defer('intake queue', () => intake.close())
  scope.use('ledger upkeep', startLedgerUpkeep({ intake, db, now, onError }))
}

/**
 * For the parts of a split job. Replicas are not waited for: a failover that forgets them also forgets that the job that
 * was split is done, which came after them.
 */
const intakeWrites = { deadlineMs: 5_000, replicas: 0 }

/** Side by side: none takes another job while a slow one ends. */
async function stopAll(workers: readonly BatchWorker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()))
}

/** @throws EnvError when a chosen queue does not exist */
function queueChoice(
  chosen: readonly string[] | undefined,
  handlers: readonly ActiveHandler[],
): (name: string) => boolean {
  if (chosen === undefined) return () => true
  const known = [intakeQueue.name, reconcileQueue.name, ...handlers.map((handler) => handler.name)]
  const unknown = chosen.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new EnvError([`WORKER_QUEUES names ${unknown.join(', ')}, but the queues here are ${known.join(', ')}`])
  return (name) => chosen.includes(name)
}
