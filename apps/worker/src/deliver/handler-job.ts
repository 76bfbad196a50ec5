import type { BatchJob } from '@warmhook/queue/batch-producer'
import { describeBatch } from '@warmhook/schema/batch'
import { newEventJob, writeEventJob } from '@warmhook/schema/event-job'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'

/** The Redis job for an outbox row. */
export function toHandlerJob({ id, events, replayId }: OutboxJob): BatchJob<unknown> {
  const what = describeBatch(events.map(({ type }) => type))
  return {
    id,
    name: replayId === undefined ? what : `replay of ${what}`,
    payload: writeEventJob(newEventJob(events, replayId)),
  }
}
