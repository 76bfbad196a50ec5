import type { Timeline } from '@warmhook/schema/fold-timeline'
import { mailboxKeyOf, type MailboxKey } from '@warmhook/schema/mailbox-event'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** The starting point of a mailbox's history after its older events were removed. */
export interface MailboxBase {
  /** The last removed event. Events that arrived before it are ignored from now on. */
  readonly upTo: string
  /** The mailbox after that event, with its pause if one was open. */
  readonly timeline: Timeline
}

/** The bases of these mailboxes, by `mailboxKeyOf`. Mailboxes with a complete history have none. */
export async function readBases(
  db: Queryable,
  mailboxes: readonly MailboxKey[],
): Promise<ReadonlyMap<string, MailboxBase>> {
  const keys = mailboxes.map(({ owner, campaignId }) => ({ owner, campaign_id: campaignId }))
  const { rows } = await sql<{ owner: string; campaign_id: string; up_to: string; timeline: object }>`
    SELECT b.* FROM json_to_recordset(${toJsonParameter(keys)}::json) AS key (owner text, campaign_id bigint)
    CROSS JOIN LATERAL (
      SELECT * FROM mailbox_bases WHERE campaign_id = key.campaign_id AND owner = key.owner LIMIT 1) AS b`.execute(db)
  return new Map(
    rows.map(({ owner, campaign_id: campaignId, up_to: upTo, timeline }) => [
      mailboxKeyOf({ owner, campaignId: Number(campaignId) }),
      { upTo, timeline: toTimeline(timeline) },
    ]),
  )
}

/** Written only by `saveBases`; versions without readings of Mailivery's API did not store what opened a pause. */
function toTimeline(stored: object): Timeline {
  const { mailbox, pauses } = stored as Timeline
  return { mailbox, pauses: pauses.map((pause) => ({ ...openedByProblem, ...pause })) }
}

const openedByProblem = { openedByType: 'campaign.connection.problematic' } as const

/** Saves new bases for these mailboxes. The caller holds their folding locks. */
export async function saveBases(
  tx: Queryable,
  bases: readonly { readonly key: MailboxKey; readonly base: MailboxBase }[],
): Promise<void> {
  const rows = bases.map(({ key, base }) => ({
    owner: key.owner,
    campaign_id: key.campaignId,
    up_to: base.upTo,
    timeline: base.timeline,
  }))
  await sql`
    INSERT INTO mailbox_bases (owner, campaign_id, up_to, timeline)
    SELECT owner, campaign_id, up_to, timeline FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      owner text, campaign_id bigint, up_to uuid, timeline json)
    ON CONFLICT (campaign_id, owner) DO UPDATE SET up_to = excluded.up_to, timeline = excluded.timeline`.execute(tx)
}
