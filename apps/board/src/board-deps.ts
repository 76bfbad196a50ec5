import type { CrmSettings } from '@warmhook/crm/accounts/crm-settings'
import type { MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import type { Secret } from '@warmhook/config/secret'
import type { Database } from '@warmhook/store/database'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'

/** The dependencies of the board's routes. */
export interface BoardDeps {
  readonly db: Database
  /** The connection used by the queues; its commands time out after a second. */
  readonly redis: Redis
  /** Prefix of the queues' keys in Redis. */
  readonly prefix: string
  readonly intake: Queue
  /** The handlers' queues, including disabled handlers. */
  readonly handlers: readonly Queue[]
  /** The CRM settings of the workers; without them, the board can't call a CRM. */
  readonly crm: CrmSettings
  /** The workers' accounts at Mailivery. */
  readonly mailivery: MailiveryAccounts
  /** The queue of reconciliations. */
  readonly reconcile: Queue
  readonly user: string
  readonly password: Secret
  /** Prefix of every path, without a trailing slash; empty at the root. */
  readonly basePath: string
  readonly registry: Registry
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The dependencies of the API and the dashboard. */
export type ReadDeps = Pick<
  BoardDeps,
  'db' | 'redis' | 'prefix' | 'intake' | 'handlers' | 'crm' | 'mailivery' | 'reconcile' | 'log' | 'basePath' | 'now'
>
