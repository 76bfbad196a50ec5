import { hash } from 'node:crypto'
import { describeBatch, type EventBatch } from '@warmhook/schema/batch'
import type { BatchJob } from './batch-producer.ts'

/** A handler's job. The same events again are the same job; the same job id must never stand for other events. */
export function toEventJob(handler: string, payload: EventBatch): BatchJob<EventBatch> {
  const ids = [...payload.events, ...payload.dead].map((event) => event.id)
  return {
    id: `${handler}-${hash('sha256', [payload.replayId ?? '', ...ids].join()).slice(0, 32)}`,
    name: describeBatch(payload.events.map((event) => event.type)),
    payload,
  }
}
