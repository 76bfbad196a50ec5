import type { Secret } from '@warmhook/config/secret'
import type { Database } from '@warmhook/store/database'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Queue } from 'bullmq'
import type { Registry } from 'prom-client'

/** What the board's routes use. */
export interface BoardDeps {
  readonly db: Database
  readonly intake: Queue
  /** The handlers' queues, also of handlers that are switched off. */
  readonly handlers: readonly Queue[]
  readonly user: string
  readonly password: Secret
  /** Names the services that do not answer just now. */
  readonly findAway: () => Promise<readonly string[]>
  readonly registry: Registry
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What the API and the dashboard use of it. */
export type ReadDeps = Pick<BoardDeps, 'db' | 'intake' | 'handlers' | 'now'>
