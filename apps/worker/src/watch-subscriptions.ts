import { subscriptionsOf, type ActiveHandler } from '@warmhook/handlers/registry'
import type { EventType } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import {
  announceHandlers,
  readSubscriptions,
  switchOthersOff,
  type Subscription,
} from '@warmhook/store/handlers/announce-handlers'

/** Which handlers receive which events, across the installation and regardless of this worker's settings. */
export interface SubscriptionWatch extends AsyncDisposable {
  readonly handlers: ReadonlyMap<string, Subscription>
  /** The names of the handlers that receive each event type. */
  readonly byType: ReadonlyMap<EventType, readonly string[]>
}

export interface SubscriptionOptions {
  readonly db: Database
  /** The handlers configured in this worker. */
  readonly own: readonly ActiveHandler[]
  /** Whether this is the only worker; handlers not configured here are then switched off immediately. */
  readonly isOnlyWorker: boolean
  readonly onError: (error: unknown) => void
}

const everyMs = 5_000
const announceEvery = 6

/** Announces this worker's handlers, and tracks the handlers announced by all workers. */
export async function watchSubscriptions(options: SubscriptionOptions): Promise<SubscriptionWatch> {
  const { db, isOnlyWorker, onError } = options
  const own = options.own.map(({ name, subscribes, policy }) => ({ name, subscribes, batchMax: policy.batchMax }))
  const ownNames = own.map(({ name }) => name)
  let handlers: ReadonlyMap<string, Subscription> = new Map()
  let byType: ReadonlyMap<EventType, readonly string[]> = new Map()
  let count = 0

  async function look(): Promise<void> {
    if (count++ % announceEvery === 0) {
      await announceHandlers(db, own)
      for (const { announce } of options.own) await announce?.(db)
      if (isOnlyWorker) await switchOthersOff(db, ownNames)
    }
    const known = await readSubscriptions(db)
    handlers = new Map(known.map((subscription) => [subscription.name, subscription]))
    byType = subscriptionsOf(known)
  }

  await look()
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= look()
      .catch(onError)
      .finally(() => (looking = undefined))
  }, everyMs)
  timer.unref()
  return {
    get handlers() {
      return handlers
    },
    get byType() {
      return byType
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await looking
    },
  }
}
