import { cutBatches } from '@warmhook/batching/cut-batches'
import type { OutboxJob, OwedEvent } from '@warmhook/store/outbox/owed-event'
import { v7 as uuidv7 } from 'uuid'

export interface PlanTerms {
  /** Maximum events in one job of a handler. */
  readonly batchMaxOf: (handler: string) => number
  readonly hasRoom: (handler: string) => boolean
}

/** Groups each handler's events into jobs. Their ids sort by creation order. */
export function planJobs(
  events: readonly OwedEvent[],
  replayId: string | undefined,
  { batchMaxOf, hasRoom }: PlanTerms,
): readonly OutboxJob[] {
  const handlers = [...new Set(events.flatMap((event) => event.handlers))]
  return handlers.flatMap((handler) => {
    const own = events.filter((event) => event.handlers.includes(handler))
    const isQueued = hasRoom(handler)
    return cutBatches(own, () => 0, { maxItems: batchMaxOf(handler), maxSize: 0 }).map((batch) => ({
      id: uuidv7(),
      handler,
      events: batch,
      replayId,
      isQueued,
    }))
  })
}
