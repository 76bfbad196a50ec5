import { randomUUID } from 'node:crypto'
import type { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import { createGroupCommit } from '@warmhook/queue/group-commit'
import { watchMemory } from '@warmhook/queue/watch-memory'
import { describeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import { openSpool, type Spool } from '@warmhook/spool/open-spool'
import type { ErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import { envelopeBytes } from './create-envelope.ts'
import type { IngressMetrics } from './ingress-metrics.ts'
import { keepJob, type IntakeJob } from './keep-job.ts'
import { logSpooling } from './log-spooling.ts'
import { createRedisGate } from './redis-gate.ts'
import { startDraining } from './start-draining.ts'

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

/** Where envelopes become safe. */
export interface Intake {
  /** Resolves once the envelope is safe; a rejection means that it may not be. */
  readonly accept: (envelope: Envelope) => Promise<void>
  /** Undefined while envelopes can be kept, else why not. */
  readonly blockedBy: () => string | undefined
}

// Senders get their answer within 2 s, also when Redis hangs and the spool has to take over (issue 2).
const addDeadlineMs = 1_000
/** Bounds what requests may pile up while Redis is slow: some seconds of full load. */
const maxWaiting = 50_000
/** A full Redis is a deadlock (measured with BullMQ 6.7): adding ends well before. */
const maxMemoryShare = 0.8

/** Opens the way into Redis and the spool beside it. */
export function openIntake(
  scope: ResourceScope,
  settings: IntakeSettings,
  { log, report, metrics }: { readonly log: Logger; readonly report: ErrorReporter; readonly metrics: IngressMetrics },
): Intake {
  const connection = connectProducer({ url: settings.redisUrl, onError: report('redis (ingress)') })
  scope.defer('redis connection', () => disconnect(connection))
  const producer = createBatchProducer(intakeQueue, connection, {
    prefix: settings.prefix,
    deadlineMs: addDeadlineMs,
    replicas: settings.waitReplicas,
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
    isConnected: () => connection.status === 'ready',
    isMemoryHigh: () => memory.isHigh,
    now: () => performance.now(),
  })
  const spool = openOptionalSpool(scope, settings.spool, metrics)
  const add = (job: IntakeJob): Promise<void> => producer.add(job)
  const spooling = logSpooling(log, { waiting: spool?.size ?? 0 })
  if (spool !== undefined) {
    const draining = startDraining({
      spool,
      gate,
      add,
      onDrained: (jobs) => {
        metrics.drained.inc(jobs)
        if (spool.size === 0) spooling.end()
      },
      onError: report('draining of the spool waits'),
    })
    scope.use('draining of the spool', draining)
  }
  const onSpooled = (): void => {
    metrics.spooled.inc()
    spooling.begin(memory.isHigh ? 'Redis is nearly full' : 'Redis is unreachable')
  }
  const group = createGroupCommit<Envelope>({
    commit: async (batch) => {
      await keepJob(toJob(batch), { gate, add, spool, onSpooled })
      metrics.batchSize.observe(batch.length)
    },
    sizeOf: envelopeBytes,
    maxItems: settings.batchMax,
    maxSize: JOB_LIMITS.maxSize,
    maxConcurrent: 1,
    maxWaiting,
  })
  scope.use('group commit', group)
  return {
    accept: (envelope) => group.submit(envelope),
    blockedBy: () => (gate.isOpen() || spool?.hasRoom === true ? undefined : describeBlock(memory.isHigh, spool)),
  }
}

function openOptionalSpool(
  scope: ResourceScope,
  settings: IntakeSettings['spool'],
  metrics: IngressMetrics,
): Spool | undefined {
  if (settings === undefined) return undefined
  const spool = openSpool(settings)
  scope.defer('spool', () => spool[Symbol.dispose]())
  metrics.observeSpool(() => spool.size)
  return spool
}

function toJob(batch: readonly Envelope[]): IntakeJob {
  return {
    id: randomUUID(),
    name: describeBatch(batch.map((envelope) => envelope.source)),
    payload: { envelopes: [...batch] },
  }
}

function describeBlock(isMemoryHigh: boolean, spool: Spool | undefined): string {
  const redis = isMemoryHigh ? 'Redis is nearly full' : 'Redis is away'
  return spool === undefined ? redis : `${redis}, and the spool is full`
}
