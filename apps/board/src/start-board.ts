import type { CrmSettings } from '@warmhook/crm/accounts/crm-settings'
import type { MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import type { Secret } from '@warmhook/config/secret'
import { handlerQueues } from '@warmhook/handlers/registry'
import { createAppServer } from '@warmhook/lifecycle/create-app-server'
import { listen } from '@warmhook/lifecycle/listen'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { openQueue } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue, reconcileQueue } from '@warmhook/queue/catalog'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import type { Database } from '@warmhook/store/database'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import { createMetrics } from '@warmhook/telemetry/metrics'
import { createApp } from './app.ts'
import { observeInstallation } from './observe-installation.ts'

export interface BoardSettings {
  readonly redisUrl: string
  readonly host: string
  /** 0 selects a free one. */
  readonly port: number
  readonly user: string
  readonly password: Secret
  /** Prefix of every path, without a trailing slash; empty at the root. */
  readonly basePath: string
  readonly prefix: string
  readonly crm: CrmSettings
  readonly mailivery: MailiveryAccounts
}

export interface BoardResources {
  /** Not closed by the board: an embedded database allows one connection only. */
  readonly db: Database
  readonly log: Logger
}

export interface Board extends AsyncDisposable {
  /** Includes the base path, without a trailing slash. */
  readonly url: string
}

/** Starts the board. */
export async function startBoard({ db, log, ...settings }: BoardSettings & BoardResources): Promise<Board> {
  return ResourceScope.build(async (scope) => {
    const report = createErrorReporter(log)
    scope.defer('error counts', () => report.flush())
    const onError = report('redis (board)')
    const connection = connectProducer({ url: settings.redisUrl, onError })
    scope.defer('redis connection', () => disconnect(connection))
    const specs = [intakeQueue, reconcileQueue, ...handlerQueues.map(handlerQueue)]
    const queues = specs.map((spec) => {
      const queue = openQueue(spec, connection, { prefix: settings.prefix, onError })
      scope.defer(`queue ${spec.name}`, () => queue.close())
      return queue
    })
    const [intake, reconcile, ...handlers] = queues
    if (intake === undefined || reconcile === undefined) throw new RangeError('both queues are listed first')
    const registry = createMetrics('board')
    const { user, password, basePath, prefix, crm, mailivery } = settings
    const queuesOf = { intake, reconcile, handlers }
    const sources = { db, redis: connection, prefix, ...queuesOf, crm, mailivery, log, basePath, now: Date.now }
    observeInstallation(registry, sources)
    const app = createApp({ ...sources, user, password, registry })
    const server = createAppServer(app.fetch)
    const address = { ...settings, variable: 'BOARD_PORT', onError: report('http server') }
    const url = `${await listen(scope, server, address)}${basePath}`
    log.info({ url }, 'board is listening')
    return { url }
  })
}
