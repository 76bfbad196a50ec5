import type { BatchPolicy } from '@warmhook/queue/catalog'
import type { Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { EventVerdict } from '@warmhook/store/events/read-verdicts'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Redis } from 'ioredis'
import type { FoldEvents } from './share-folds.ts'

/** Dependencies available to every handler. */
export interface HandlerDeps {
  readonly db: Database
  /** A handler whose effect depends on mailbox state must call this before it reads the state. */
  readonly fold: FoldEvents
  readonly log: Logger
  /** For what workers share beside the queues, such as rate budgets. */
  readonly redis: Redis
  /** The prefix of the installation's keys in Redis. */
  readonly prefix: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** An event as passed to a handler. */
export interface GivenEvent extends EventRef {
  /**
   * Set when the event is passed again: by a replay, or because its verdict has changed (it became a duplicate or no
   * longer is one). Without it, the event is not a duplicate and has revision 0.
   */
  readonly verdict?: EventVerdict | undefined
}

/**
 * Handles a batch of events and returns one outcome per event id; an event without an outcome is retried. Events arrive
 * in any order, repeatedly, and in any grouping. The effect must therefore depend only on the mailbox's history. A
 * per-event effect must be undone when the event is passed again as a duplicate; after that, a call with a smaller
 * revision changes nothing.
 */
export type HandleEvents = (events: readonly GivenEvent[], signal: AbortSignal) => Promise<ReadonlyMap<string, Outcome>>

/** A handler implements one kind of effect. It has its own queue, named after it. */
export interface Handler<Settings = unknown> {
  readonly name: string
  readonly subscribes: readonly EventType[]
  readonly policy: BatchPolicy
  /**
   * Reads the handler's settings, with `parseEnv` and configuration fields. Returns undefined if they disable it.
   *
   * @throws EnvError
   */
  readonly parse: (env: NodeJS.ProcessEnv) => Settings | undefined
  /** Creates the handler function. Opens nothing. */
  readonly create: (settings: Settings, deps: HandlerDeps) => HandleEvents
  /** Stores what the board shows of the settings. Called at start and then every half minute. */
  readonly announce?: (settings: Settings, db: Database) => Promise<void>
}

/** Ties the type of `create`'s settings to what `parse` returns. */
export function defineHandler<Settings>(handler: Handler<Settings>): Handler<Settings> {
  return handler
}
