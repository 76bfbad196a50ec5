import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Endpoint } from '@warmhook/config/endpoints'
import { listen } from '@warmhook/lifecycle/listen'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import { createGroupCommit, type GroupCommit } from '@warmhook/queue/group-commit'
import { describeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import type { Logger } from '@warmhook/telemetry/logger'
import { createMetrics } from '@warmhook/telemetry/metrics'
import { createApp } from './app.ts'
import { createEnvelopeFactory, envelopeBytes } from './create-envelope.ts'
import { createIngressMetrics, type IngressMetrics } from './ingress-metrics.ts'

export interface IngressSettings {
  readonly redisUrl: string
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly endpoints: readonly Endpoint[]
  readonly maxBodyBytes: number
  readonly batchMax: number
  readonly prefix: string
}

export interface Ingress extends AsyncDisposable {
  /** Without a trailing slash. */
  readonly url: string
}

// A request that finds Redis away is answered 503 within 2 s (issue 2): this leaves room for the way there and back.
const enqueueDeadlineMs = 1_500

/** Listens for webhooks. Disposal stops listening first and waits for the requests in hand. */
export async function startIngress(settings: IngressSettings, { log }: { readonly log: Logger }): Promise<Ingress> {
  return ResourceScope.build(async (scope) => {
    const registry = createMetrics('ingress')
    const metrics = createIngressMetrics(registry)
    const connection = connectProducer({
      url: settings.redisUrl,
      onError: (err) => log.warn({ err }, 'redis connection'),
    })
    scope.defer('redis connection', () => disconnect(connection))
    const producer = createBatchProducer(intakeQueue, connection, {
      prefix: settings.prefix,
      deadlineMs: enqueueDeadlineMs,
      onError: (err) => log.warn({ err }, 'intake queue'),
    })
    scope.use('intake queue', producer)
    const intake = createIntake(settings.batchMax, metrics, (batch) =>
      producer.add({
        id: randomUUID(),
        name: describeBatch(batch.map((envelope) => envelope.source)),
        payload: { envelopes: [...batch] },
      }),
    )
    scope.use('group commit', intake)
    const app = createApp({
      endpoints: settings.endpoints,
      maxBodyBytes: settings.maxBodyBytes,
      createEnvelope: createEnvelopeFactory(Date.now),
      accept: (envelope) => intake.submit(envelope),
      isReady: () => connection.status === 'ready',
      metrics,
      registry,
      log,
    })
    // A sender that dawdles over headers or body must not hold a connection for long.
    const timeouts = { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 65_000 }
    const handle = getRequestListener(app.fetch)
    const server = createServer(timeouts, (request, response) => void handle(request, response))
    const url = await listen(scope, server, settings)
    log.info({ url, endpoints: settings.endpoints.length }, 'ingress listens')
    return { url }
  })
}

/** Bounds what requests may pile up while Redis is slow: about ten seconds of full load. */
const maxWaiting = 50_000

function createIntake(
  batchMax: number,
  metrics: IngressMetrics,
  add: (batch: readonly Envelope[]) => Promise<void>,
): GroupCommit<Envelope> {
  return createGroupCommit({
    commit: async (batch) => {
      await add(batch)
      metrics.batchSize.observe(batch.length)
    },
    sizeOf: envelopeBytes,
    maxItems: batchMax,
    maxSize: JOB_LIMITS.maxSize,
    maxConcurrent: 2,
    maxWaiting,
  })
}
