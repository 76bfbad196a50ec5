import { parseAll } from '@warmhook/config/parse-env'
import type { BatchPolicy } from '@warmhook/queue/catalog'
import { EventType } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { crmSync } from './crm-sync/handler.ts'
import type { HandleEvents, Handler, HandlerDeps } from './handler.ts'
import { notify } from './notify/handler.ts'
import { pauseTracking } from './pause-tracking/handler.ts'
import { readBackHandler } from './read-back/handler.ts'
import { warmupStart } from './warmup-start/handler.ts'
import { shareFolds } from './share-folds.ts'

/** All handlers. To add one, create a folder next to the others and add it here. */
const handlers = [
  toEntry(pauseTracking),
  toEntry(readBackHandler),
  toEntry(warmupStart),
  toEntry(crmSync),
  toEntry(notify),
]

/** The queues of all handlers, including disabled ones. */
export const handlerQueues: readonly HandlerQueue[] = handlers

export interface HandlerQueue {
  readonly name: string
  readonly subscribes: readonly EventType[]
  readonly policy: BatchPolicy
}

/** A handler that is enabled by its settings. */
export interface ActiveHandler extends HandlerQueue {
  readonly handle: HandleEvents
  /** Stores what the board shows of its settings. */
  readonly announce?: (db: Database) => Promise<void>
}

/**
 * Creates the handlers that are enabled in the environment.
 *
 * @throws EnvError when a handler's variables are invalid
 */
export function createHandlers(env: NodeJS.ProcessEnv, deps: Omit<HandlerDeps, 'fold'>): readonly ActiveHandler[] {
  const fold = shareFolds(deps.db)
  return handlers.flatMap(({ name, subscribes, policy, activate }) => {
    const active = activate(env, { ...deps, fold })
    return active === undefined ? [] : [{ name, subscribes, policy, ...active }]
  })
}

/**
 * Validates the settings of every handler before anything is opened.
 *
 * @throws EnvError listing the problems of all of them
 */
export function checkHandlerSettings(env: NodeJS.ProcessEnv): void {
  parseAll(
    ...handlers.map(
      ({ checkSettings }) =>
        () =>
          checkSettings(env),
    ),
  )
}

/** The names of the handlers that subscribe to each event type. */
export function subscriptionsOf(
  active: readonly Pick<ActiveHandler, 'name' | 'subscribes'>[],
): ReadonlyMap<EventType, readonly string[]> {
  return new Map(
    EventType.options.map((type) => [
      type,
      active.filter((handler) => handler.subscribes.includes(type)).map((handler) => handler.name),
    ]),
  )
}

/** Hides the handler's settings type, so that different handlers fit in one list. */
function toEntry<Settings>(handler: Handler<Settings>) {
  const { name, subscribes, policy } = handler
  return {
    name,
    subscribes,
    policy,
    checkSettings: (env: NodeJS.ProcessEnv) => void handler.parse(env),
    activate: (env: NodeJS.ProcessEnv, deps: HandlerDeps) => {
      const settings = handler.parse(env)
      if (settings === undefined) return undefined
      const announce = async (db: Database) => handler.announce?.(settings, db)
      return { handle: handler.create(settings, deps), announce }
    },
  }
}
