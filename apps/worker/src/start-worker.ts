import { EnvError } from '@warmhook/config/parse-env'
import { subscriptionsOf, type ActiveHandler } from '@warmhook/handlers/registry'
import { startLedgerUpkeep } from '@warmhook/ledger/start-ledger-upkeep'
import { createAppServer } from '@warmhook/lifecycle/create-app-server'
import { listen } from '@warmhook/lifecycle/listen'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { createBatchProducer, openQueue, type BatchJob } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue, type QueueSpec } from '@warmhook/queue/catalog'
import { connectConsumer, connectProducer, disconnect } from '@warmhook/queue/connections'
import { startBatchWorker, type BatchContext } from '@warmhook/queue/start-batch-worker'
import type { Database } from '@warmhook/store/database'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import { createMetrics } from '@warmhook/telemetry/metrics'
import type { Redis } from 'ioredis'
import type { AskApart } from './apart/ask-apart.ts'
import { createApp } from './app.ts'
import { createHandlerProcessor } from './handler-processor.ts'
import { createRouter, maxGroupedJobs } from './create-router.ts'
import { startReporting } from './start-reporting.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

export interface WorkerSettings {
  readonly redisUrl: string
  readonly host: string
  readonly port: number
  readonly prefix: string
  readonly dedupeWindowMs: number
  /** What a compressed body may inflate to; also the ingress's limit. */
  readonly maxBodyBytes: number
  /** The queues that this worker takes; undefined: all. */
  readonly queues: readonly string[] | undefined
  /** Calls of a handler at once, per queue. */
  readonly concurrency: number
  /** How long the jobs of a worker that gives no sign stay its own. */
  readonly lockMs: number
}

export interface WorkerDeps {
  readonly db: Database
  /** Every active handler, also those whose queue another worker takes: the router feeds them all. */
  readonly handlers: readonly ActiveHandler[]
  readonly log: Logger
  /** Undefined where there can be no second process beside this one. */
  readonly askApart: AskApart | undefined
  /** The process can't go on: its supervisor has to start another. */
  readonly onStuck: (error: Error) => void
  readonly now: () => number
  readonly random: () => number
}

/** Full groups of the router's in hand: those being recorded, and as many that wait, so that the next is full, too. */
const groupsInHand = 4

/** Jobs in hand for each call of a handler: small batches that come one by one are handled together. */
const jobsPerCall = 4

/** Takes batches off the queues. Disposal takes no more, and waits for those in hand. */
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
    const server = createAppServer(createApp({ consumer, registry, report }).fetch)
    const url = await listen(scope, server, { ...settings, variable: 'WORKER_PORT', onError: report('http server') })

    const run = <Payload>(
      spec: QueueSpec<Payload>,
      process: (context: BatchContext<Payload>) => Promise<void>,
      concurrency: number,
    ): void => {
      if (!takes(spec.name)) return
      const { prefix, lockMs } = settings
      const { now, random, onStuck } = deps
      scope.use(
        `worker of ${spec.name}`,
        startBatchWorker({ spec, connect, prefix, concurrency, lockMs, process, onError, onStuck, now, random }),
        20_000,
      )
    }
    const produce = openProducers(scope, settings, onError)
    const producers = handlers.map((handler) => {
      const maxConcurrent = settings.concurrency
      const spec = handlerQueue(handler)
      const add = produce(spec)
      run(spec, createHandlerProcessor(handler, { ...deps, metrics, maxConcurrent, add }), maxConcurrent * jobsPerCall)
      const { name, subscribes, policy } = handler
      return { name, subscribes, policy, add }
    })
    const router = createRouter({
      db: deps.db,
      dedupeWindowMs: settings.dedupeWindowMs,
      maxBodyBytes: settings.maxBodyBytes,
      producers,
      subscriptions: subscriptionsOf(handlers),
      isolation: { db: deps.db, addToIntake: produce(intakeQueue), askApart: deps.askApart },
    })
    run(intakeQueue, router, groupsInHand * maxGroupedJobs)
    keepLedger(scope, consumer, settings, { ...deps, onError: report('ledger upkeep') })
    const enabled = handlers.map(({ name }) => name)
    const queues = [intakeQueue.name, ...enabled].filter(takes)
    const reporter = connectProducer({ url: settings.redisUrl, onError })
    scope.defer('redis reporter', () => disconnect(reporter))
    scope.use(
      'reports',
      startReporting({ redis: reporter, prefix: settings.prefix, queues, enabled, metrics, onError }),
    )
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
 * A way into each queue, over one connection. Replicas are not waited for: a failover that forgets a handler's job also
 * forgets that the intake's was done, which came after it.
 */
function openProducers(
  scope: ResourceScope,
  { redisUrl, prefix }: WorkerSettings,
  onError: (error: Error) => void,
): <Payload>(spec: QueueSpec<Payload>) => (job: BatchJob<Payload>) => Promise<void> {
  const connection = connectProducer({ url: redisUrl, onError })
  scope.defer('redis producer', () => disconnect(connection))
  return (spec) => {
    const producer = createBatchProducer(spec, connection, { prefix, deadlineMs: 5_000, replicas: 0, onError })
    scope.use(`way into ${spec.name}`, producer)
    return (job) => producer.add(job)
  }
}

/** @throws EnvError when a chosen queue does not exist */
function queueChoice(
  chosen: readonly string[] | undefined,
  handlers: readonly ActiveHandler[],
): (name: string) => boolean {
  if (chosen === undefined) return () => true
  const known = [intakeQueue.name, ...handlers.map((handler) => handler.name)]
  const unknown = chosen.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new EnvError([`WORKER_QUEUES names ${unknown.join(', ')}, but the queues here are ${known.join(', ')}`])
  return (name) => chosen.includes(name)
}
