import { randomBytes } from 'node:crypto'
import type { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import { createGroupCommit } from '@warmhook/batching/group-commit'
import { warnOfRedisSettings } from '@warmhook/queue/warn-of-redis-settings'
import { watchMemory } from '@warmhook/queue/watch-memory'
import { describeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import { LATEST_KEY, REPORTS_KEY, type IngressReport } from '@warmhook/schema/ingress-report'
import { toIntakeJobId, type IntakeRange } from '@warmhook/schema/intake-range'
import type { ErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Redis } from 'ioredis'
import { envelopeBytes, type EnvelopeFactory } from './create-envelope.ts'
import type { IngressMetrics } from './ingress-metrics.ts'
import { keepJob, type IntakeJob } from './keep-job.ts'
import { keepLatest } from './keep-latest.ts'
import { logSpooling } from './spool/log-spooling.ts'
import { numberEnvelopes } from './number-envelopes.ts'
import { createRedisGate, type RedisGate } from './redis-gate.ts'
import { rememberInFile, rememberInRedis } from './remember-latest.ts'
import { startReporting } from './report-to-ledger.ts'
import { startDraining } from './spool/start-draining.ts'
import { takeSpool, type SpoolPlace } from './spool/take-spool.ts'

export interface IntakeSettings {
  readonly redisUrl: string
  /** Replicas that must have a job before its envelopes are safe. */
  readonly waitReplicas: number
  readonly prefix: string
  /** Envelopes in a job, at most. */
  readonly batchMax: number
  /** Undefined: what Redis can't take is refused. */
  readonly spool: { readonly directory: string; readonly maxBytes: number } | undefined
}

export interface IntakeDeps {
  readonly envelopes: EnvelopeFactory
  readonly log: Logger
  readonly report: ErrorReporter
  readonly metrics: IngressMetrics
  readonly now: () => number
}

/** Where envelopes become safe. */
export interface Intake {
  /** Resolves once the envelope is safe; a rejection means that it may not be. */
  readonly accept: (envelope: Envelope) => Promise<void>
  /** Undefined while envelopes can be kept, else why not. */
  readonly blockedBy: () => string | undefined
  /** Rejects when another process keeps the spool. */
  readonly spoolTaken: Promise<void>
}

// Senders get their answer within 2 s, also when Redis hangs and the spool has to take over.
const addDeadlineMs = 1_000
/** A disk that is too slow for the load: later a sender has given up, and others wait behind. */
const maxWaitMs = 3_000
/** An add is one job of the worker, so under load a few ms of requests share it: measured in decision 013. */
const gather = { maxMs: 3, enough: 16 }
/** A full Redis is a deadlock (measured with BullMQ 6.7): adding ends well before. */
const maxMemoryShare = 0.8

/** Opens the way into Redis and the spool beside it. */
export async function openIntake(scope: ResourceScope, settings: IntakeSettings, deps: IntakeDeps): Promise<Intake> {
  const { log, report, metrics, now } = deps
  const { connection, producer, gate, isMemoryHigh } = openRedis(scope, settings, deps)
  const add = (job: IntakeJob): Promise<void> => producer.add(job)
  const spooling = logSpooling(log)
  const place = scope.use(
    'spool',
    takeSpool(settings.spool, (spool) => spooling.found(spool.size)),
  )
  metrics.observeSpool(() => place.spool?.size ?? 0)
  const latest = keepLatest({
    envelopes: deps.envelopes,
    memories: [
      rememberInRedis(connection, producer.queue.toKey(LATEST_KEY)),
      ...(settings.spool === undefined ? [] : [rememberInFile(settings.spool.directory)]),
    ],
    onTooFarAhead: (remembered) =>
      log.error({ latest: new Date(remembered) }, 'a clock was far ahead: webhooks of that time stay the latest'),
    onError: report('latest id'),
    now,
  })
  await latest.recall()
  const numbers = numberEnvelopes(randomBytes(8).toString('hex'))
  const reporting = scope.use(
    'reports to the ledger',
    startReporting({
      numbers,
      spool: () => place.spool,
      send: async (reports) => {
        await latest.remember()
        if (connection.status === 'ready') await sendReports(connection, producer.queue.toKey(REPORTS_KEY), reports)
      },
      onError: report('report to the ledger'),
      now,
    }),
  )
  const draining = startDraining({
    spool: () => place.spool,
    gate,
    add,
    onDrained: (jobs) => {
      metrics.drained.inc(jobs)
      if (place.spool?.size === 0) spooling.end()
      reporting.touch()
    },
    onError: report('draining of the spool waits'),
  })
  scope.use('draining of the spool', draining)
  const onSpooled = (): void => {
    metrics.spooled.inc()
    spooling.begin(isMemoryHigh() ? 'Redis is nearly full' : 'Redis is unreachable')
  }
  const group = createGroupCommit<Envelope>({
    commit: async (batch, isFull) => {
      const range = numbers.take(batch.length)
      let end: 'safe' | 'refused' = 'refused'
      try {
        await keepJob(toJob(range, batch), { gate, add, spool: place.spool, mayGather: !isFull, onSpooled })
        end = 'safe'
      } finally {
        numbers.settle(range, end)
        reporting.touch()
      }
      metrics.batchSize.observe(batch.length)
    },
    sizeOf: envelopeBytes,
    maxItems: settings.batchMax,
    maxSize: JOB_LIMITS.maxSize,
    // Only a disk that hangs takes longer than an add and a write to the spool.
    timeLimitMs: 5_000,
    maxConcurrent: 1,
    maxWaitMs,
    gather,
  })
  scope.use('group commit', group)
  return {
    accept: (envelope) => group.submit(envelope),
    blockedBy: () => describeBlock(gate, place, isMemoryHigh()),
    spoolTaken: place.taken,
  }
}

interface OpenRedis {
  readonly connection: Redis
  readonly producer: ReturnType<typeof createBatchProducer>
  readonly gate: RedisGate
  readonly isMemoryHigh: () => boolean
}

function openRedis(
  scope: ResourceScope,
  { redisUrl, prefix, waitReplicas }: IntakeSettings,
  { log, report }: Pick<IntakeDeps, 'log' | 'report'>,
): OpenRedis {
  const connection = connectProducer({ url: redisUrl, onError: report('redis (ingress)') })
  scope.defer('redis connection', () => disconnect(connection))
  warnOfRedisSettings(connection, { warn: (message) => log.warn(message), onError: report('redis settings') })
  const producer = createBatchProducer(intakeQueue, connection, {
    prefix,
    deadlineMs: addDeadlineMs,
    replicas: waitReplicas,
    onError: report('intake queue'),
  })
  scope.use('intake queue', producer)
  const memory = watchMemory(connection, {
    maxShare: maxMemoryShare,
    intervalMs: 1_000,
    onError: report('redis memory'),
  })
  scope.defer('memory watch', () => memory[Symbol.dispose]())
  const gate = createRedisGate({
    isConnected: () => connection.status === 'ready' && memory.isAnswered,
    isMemoryHigh: () => memory.isHigh,
    now: () => performance.now(),
  })
  return { connection, producer, gate, isMemoryHigh: () => memory.isHigh }
}

async function sendReports(connection: Redis, key: string, reports: readonly IngressReport[]): Promise<void> {
  const fields = reports.map((item) => [`${item.kind} ${item.name}`, JSON.stringify(item)] as const)
  await connection.hset(key, Object.fromEntries(fields))
}

function toJob(range: IntakeRange, batch: readonly Envelope[]): IntakeJob {
  return {
    id: toIntakeJobId(range),
    name: describeBatch(batch.map((envelope) => envelope.source)),
    payload: { envelopes: [...batch] },
  }
}

function describeBlock(gate: RedisGate, { spool, isAwaited }: SpoolPlace, isMemoryHigh: boolean): string | undefined {
  if (isAwaited) return 'Another process still has the spool'
  if (gate.isOpen() || spool?.hasRoom === true) return undefined
  const redis = isMemoryHigh ? 'Redis is nearly full' : 'Redis is unreachable'
  return spool === undefined ? redis : `${redis}, and the spool is full`
}
