import type { BatchPolicy } from '@warmhook/queue/catalog'
import type { Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { EventVerdict } from '@warmhook/store/events/read-verdicts'
import type { Logger } from '@warmhook/telemetry/logger'
import type { z } from 'zod'
import type { FoldEvents } from './share-folds.ts'

/** Dependencies available to every handler. */
export interface HandlerDeps {
  readonly db: Database
  /** Updates mailboxes and pauses; handlers that depend on mailbox state call it before reading that state. */
  readonly fold: FoldEvents
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** An event as passed to a handler. */
export interface GivenEvent extends EventRef {
  /**
   * Set if the event is passed again, by a replay or because the verdict on it has changed: it became a duplicate, or no longer is
   * one. If unset, the event counts, with revision 0.
   */
  readonly verdict?: EventVerdict | undefined
}

/**
 * Handles a batch of events and returns one outcome per event id; events without an outcome are retried. Events come in any
 * order, more than once, and in any batches. The effect must therefore depend on the mailbox's history alone. If there is one
 * effect per event, it must be undone if the event is passed again as a duplicate, and calls with a lower revision must be ignored.
 */
export type HandleEvents = (events: readonly GivenEvent[], signal: AbortSignal) => Promise<ReadonlyMap<string, Outcome>>

/** One kind of effect, with its own queue of the same name. */
export interface Handler<Env extends z.core.$ZodLooseShape = z.core.$ZodLooseShape> {
  readonly name: string
  readonly subscribes: readonly EventType[]
  readonly policy: BatchPolicy
  /** The environment variables it reads, as fields of the configuration. */
  readonly env: Env
  /** Creates the handler; undefined if its settings are missing. Opens no connections. */
  create(env: z.infer<z.ZodObject<Env>>, deps: HandlerDeps): HandleEvents | undefined
}

/** Infers the type of the settings from the declared variables. */
export function defineHandler<const Env extends z.core.$ZodLooseShape>(handler: Handler<Env>): Handler<Env> {
  return handler
}
