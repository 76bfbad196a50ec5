import type { BatchPolicy } from '@warmhook/queue/catalog'
import type { Outcome } from '@warmhook/queue/outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { EventVerdict } from '@warmhook/store/events/read-verdicts'
import type { Logger } from '@warmhook/telemetry/logger'
import type { z } from 'zod'
import type { FoldEvents } from './share-folds.ts'

/** What every handler may use. */
export interface HandlerDeps {
  readonly db: Database
  /** For a handler whose effect depends on the state of mailboxes: to be called before that is read. */
  readonly fold: FoldEvents
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** An event as a handler is given it. */
export interface GivenEvent extends EventRef {
  /**
   * Set when the event is given again: by a replay, or since the verdict on it has changed, as it is a duplicate now or none
   * any more. Without it the event counts, with revision 0.
   */
  readonly verdict?: EventVerdict | undefined
}

/**
 * Handles a batch of events: one outcome per event id; an event without an outcome is tried again. Events come in any
 * order, more than once, and in any cut. So the effect must depend on the mailbox's history alone, or, where it is made for
 * each event, be undone when the event is given again as a duplicate; a call with a smaller revision changes nothing then.
 */
export type HandleEvents = (events: readonly GivenEvent[], signal: AbortSignal) => Promise<ReadonlyMap<string, Outcome>>

/** One kind of effect. It has a queue of its own, named after it. */
export interface Handler<Env extends z.core.$ZodLooseShape = z.core.$ZodLooseShape> {
  readonly name: string
  readonly subscribes: readonly EventType[]
  readonly policy: BatchPolicy
  /** The environment variables that it reads, by fields of the configuration. */
  readonly env: Env
  /** The handler ready to run, or undefined when its settings leave it off. Opens nothing. */
  create(env: z.infer<z.ZodObject<Env>>, deps: HandlerDeps): HandleEvents | undefined
}

/** Ties the type of `create`'s settings to the declared variables. */
export function defineHandler<const Env extends z.core.$ZodLooseShape>(handler: Handler<Env>): Handler<Env> {
  return handler
}
