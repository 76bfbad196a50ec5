import type { MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Queryable } from '../database.ts'
import type { WarmupDecision } from './warmup-start-table.ts'

export interface WarmupStart extends MailboxKey {
  /** The pending event. */
  readonly eventId: string
  readonly decision: WarmupDecision
  /** What of the rule matched, or why it was not started. */
  readonly detail: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Records what was decided about a pending campaign; a later decision for the same event replaces it. */
export async function recordWarmupStart(db: Queryable, start: WarmupStart): Promise<void> {
  const { owner, campaignId, eventId, decision, detail, at } = start
  const what = { decision, detail, decided_at: new Date(at) }
  await db
    .insertInto('warmup_starts')
    .values({ owner, campaign_id: String(campaignId), event_id: eventId, ...what })
    .onConflict((conflict) => conflict.columns(['campaign_id', 'owner', 'event_id']).doUpdateSet(what))
    .execute()
}
