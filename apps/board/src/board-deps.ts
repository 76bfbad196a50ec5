import type { Secret } from '@warmhook/config/secret'
import type { Database } from '@warmhook/store/database'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'

/** What the board's routes use. */
export interface BoardDeps {
  readonly db: Database
  /** The connection of the queues; each of its commands ends within a second. */
  readonly redis: Redis
  /** Before the names of the queues in Redis. */
  readonly prefix: string
  readonly intake: Queue
  /** The handlers' queues, also of handlers that are switched off. */
  readonly handlers: readonly Queue[]
  readonly user: string
  readonly password: Secret
  /** Before every path, without a trailing slash; empty at the root. */
  readonly basePath: string
  readonly registry: Registry
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What the API and the dashboard use of it. */
export type ReadDeps = Pick<BoardDeps, 'db' | 'redis' | 'prefix' | 'intake' | 'handlers' | 'basePath' | 'now'>
