import type { EventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'

/** An event that handlers still have to receive. */
export interface OwedEvent extends EventRef {
  readonly type: EventType
  readonly handlers: readonly string[]
}

/** A job: events that one handler owes. */
export interface OutboxJob {
  readonly id: string
  readonly handler: string
  readonly events: readonly (EventRef & { readonly type: EventType })[]
  readonly replayId: string | undefined
  /** False if the job waits in the database for space in Redis. */
  readonly isQueued: boolean
}
