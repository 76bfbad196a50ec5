import { parseAll, parseEnv } from '@warmhook/config/parse-env'
import type { BatchPolicy } from '@warmhook/queue/catalog'
import { EventType } from '@warmhook/schema/mailbox-event'
import { crmSync } from './crm-sync/handler.ts'
import type { HandleEvents, Handler, HandlerDeps } from './handler.ts'
import { notify } from './notify/handler.ts'
import { pauseTracking } from './pause-tracking/handler.ts'
import { shareFolds } from './share-folds.ts'

/** All handlers. To add one, create a folder next to the others and add it here. */
const handlers = [toEntry(pauseTracking), toEntry(crmSync), toEntry(notify)]

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
}

/**
 * Creates the handlers that are enabled in the environment.
 *
 * @throws EnvError when a handler's variables are invalid
 */
export function createHandlers(env: NodeJS.ProcessEnv, deps: Omit<HandlerDeps, 'fold'>): readonly ActiveHandler[] {
  const fold = shareFolds(deps.db)
  return handlers.flatMap(({ name, subscribes, policy, activate }) => {
    const handle = activate(env, { ...deps, fold })
    return handle === undefined ? [] : [{ name, subscribes, policy, handle }]
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
function toEntry<Env extends Handler['env']>(handler: Handler<Env>) {
  const { name, subscribes, policy } = handler
  return {
    name,
    subscribes,
    policy,
    checkSettings: (env: NodeJS.ProcessEnv) => void parseEnv(handler.env, env),
    activate: (env: NodeJS.ProcessEnv, deps: HandlerDeps) => handler.create(parseEnv(handler.env, env), deps),
  }
}
