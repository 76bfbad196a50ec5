import type { AddressList } from '@warmhook/config/address-list'
import type { Endpoint } from '@warmhook/config/endpoints'
import { createAppServer } from '@warmhook/lifecycle/create-app-server'
import { listen } from '@warmhook/lifecycle/listen'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import { createMetrics } from '@warmhook/telemetry/metrics'
import { createApp } from './app.ts'
import { budgetFor, createByteBudget } from './byte-budget.ts'
import { createFindClientAddress } from './access/client-address.ts'
import { createEnvelopeFactory } from './create-envelope.ts'
import { createIngressMetrics } from './ingress-metrics.ts'
import { indexEndpoints } from './access/index-endpoints.ts'
import { createRateLimits } from './access/limit-rate.ts'
import { openIntake, type IntakeSettings } from './open-intake.ts'

export interface IngressSettings extends IntakeSettings {
  readonly host: string
  /** 0 selects a free one. */
  readonly port: number
  readonly endpoints: readonly Endpoint[]
  readonly maxBodyBytes: number
  /** Per endpoint and process; 0: no limit. Undefined: 5,000 if there are several endpoints, otherwise no limit. */
  readonly ratePerSecond: number | undefined
  /** Proxies trusted to report the sender's address; by default none. */
  readonly trustedProxies?: AddressList | undefined
  /** Milliseconds; the defaults suit senders on the internet. */
  readonly timeouts?: SenderTimeouts
}

/** Limits how long a slow sender can hold a connection. */
export interface SenderTimeouts {
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly keepAliveTimeout: number
  /** How often the first two are enforced. */
  readonly connectionsCheckingInterval: number
}

const defaultTimeouts: SenderTimeouts = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
}

export interface Ingress extends AsyncDisposable {
  /** Without a trailing slash. */
  readonly url: string
}

export interface IngressDeps {
  readonly log: Logger
  /** Called when the process cannot continue because another process does not release the spool. */
  readonly giveUp: (error: Error) => void
}

/**
 * Listens for webhooks. It becomes ready once the process that it replaces has released the spool. Disposal stops
 * listening first, then waits for the requests in progress.
 */
export async function startIngress(settings: IngressSettings, { log, giveUp }: IngressDeps): Promise<Ingress> {
  return ResourceScope.build(async (scope) => {
    const registry = createMetrics('ingress')
    const metrics = createIngressMetrics(registry)
    const report = createErrorReporter(log)
    scope.defer('error counts', () => report.flush())
    const envelopes = createEnvelopeFactory(Date.now)
    const intake = await openIntake(scope, settings, { envelopes, log, report, metrics, now: Date.now })
    intake.spoolTaken.catch(giveUp)
    const app = createApp({
      findEndpoint: indexEndpoints(settings.endpoints),
      findClientAddress: createFindClientAddress(settings.trustedProxies),
      maxBodyBytes: settings.maxBodyBytes,
      budget: createByteBudget(budgetFor(settings.maxBodyBytes)),
      limitOf: createRateLimits(rateOf(settings), () => performance.now()),
      createEnvelope: envelopes.create,
      accept: intake.accept,
      blockedBy: intake.blockedBy,
      metrics,
      registry,
      report,
    })
    const server = createAppServer(app.fetch, settings.timeouts ?? defaultTimeouts)
    const url = await listen(scope, server, { ...settings, variable: 'INGRESS_PORT', onError: report('http server') })
    log.info({ url, endpoints: settings.endpoints.length }, 'ingress is listening')
    return { url }
  })
}

/** A flood on a single endpoint affects no other, so there is no default limit. */
function rateOf({ endpoints, ratePerSecond }: IngressSettings): number {
  return ratePerSecond ?? (endpoints.length > 1 ? 5_000 : 0)
}
