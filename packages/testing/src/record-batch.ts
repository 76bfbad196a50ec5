import { randomUUID } from 'node:crypto'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { Database } from '@warmhook/store/database'
import { recordBatches, type RecordedBatches, type RoutedBatch } from '@warmhook/store/events/record-batches'
import type { OutboxJob, OwedEvent } from '@warmhook/store/outbox/owed-event'

export interface Recorded extends RecordedBatches {
  /** The events of all jobs: an event for two handlers appears twice. */
  readonly forHandlers: readonly EventRef[]
}

/** Records one batch, as the router does. */
export function recordBatch(
  db: Database,
  { dedupeWindowMs, ...batch }: RoutedBatch & { readonly dedupeWindowMs: number },
): Promise<Recorded> {
  return recordGroup(db, [batch], dedupeWindowMs)
}

/** Records batches together; each handler gets its events as one job. */
export async function recordGroup(
  db: Database,
  batches: readonly RoutedBatch[],
  dedupeWindowMs: number,
): Promise<Recorded> {
  const recorded = await recordBatches(db, batches, { dedupeWindowMs, plan: planWhole })
  return { ...recorded, forHandlers: recorded.jobs.flatMap(({ events }) => events) }
}

/** One job for each handler. */
export function planWhole(events: readonly OwedEvent[], replayId?: string): readonly OutboxJob[] {
  return [...new Set(events.flatMap(({ handlers }) => handlers))].map((handler) => ({
    id: randomUUID(),
    handler,
    events: events.filter(({ handlers }) => handlers.includes(handler)),
    replayId,
    isQueued: true,
  }))
}
