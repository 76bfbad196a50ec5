import { toEventRef } from '@warmhook/schema/event-ref'
import type { EventType } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import type { OutboxJob } from './owed-event.ts'

interface Row {
  id: string
  handler: string
  replay_id: string | null
  is_queued: boolean
  event_id: string
  owner: string
  campaign_id: string
  type: EventType
}

/** Reads these jobs with the events that they still owe. Finished jobs are left out. */
export async function readOutboxJobs(db: Queryable, ids: readonly string[]): Promise<readonly OutboxJob[]> {
  const { rows } = await sql<Row>`
    SELECT o.id, o.handler, o.replay_id, o.is_queued, e.id AS event_id, e.owner, e.campaign_id, e.type
    FROM outbox o CROSS JOIN LATERAL unnest(o.event_ids) AS owed (event_id) JOIN events e ON e.id = owed.event_id
    WHERE o.id = ANY(${[...ids]}::text[]) AND NOT EXISTS (
      SELECT FROM deliveries d WHERE d.event_id = owed.event_id AND d.handler = o.handler AND d.status IN ('done', 'dead')
        AND (o.replay_id IS NULL OR d.replay_id = o.replay_id))`.execute(db)
  return [...Map.groupBy(rows, (row) => row.id)].flatMap(([id, group]) => {
    const [first] = group
    if (first === undefined) return []
    const { handler, replay_id: replayId, is_queued: isQueued } = first
    return [{ id, handler, isQueued, replayId: replayId ?? undefined, events: group.map(toEvent) }]
  })
}

function toEvent({ event_id: id, owner, campaign_id: campaignId, type }: Row): OutboxJob['events'][number] {
  return { ...toEventRef({ id, owner, campaignId: Number(campaignId) }), type }
}
