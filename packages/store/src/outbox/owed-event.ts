import type { EventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'

/** An event that handlers are to be given. */
export interface OwedEvent extends EventRef {
  readonly type: EventType
  readonly handlers: readonly string[]
}

/** Events that one handler owes, as one job. */
export interface OutboxJob {
  readonly id: string
  readonly handler: string
  readonly events: readonly (EventRef & { readonly type: EventType })[]
  readonly replayId: string | undefined
  /** False when it has to wait in the database for room in Redis. */
  readonly isQueued: boolean
}
