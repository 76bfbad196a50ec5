import type { MailboxState, Pause, Timeline } from '@warmhook/schema/fold-timeline'
import type { MailboxKey } from '@warmhook/schema/mailbox-event'
import { classifyReason } from '@warmhook/schema/reason'
import { sql, type Transaction } from 'kysely'
import type { Tables } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'
import { profileSql, toProfileColumns } from './profile-columns.ts'

/** A folded mailbox. */
export interface FoldedMailbox {
  readonly key: MailboxKey
  readonly foldedSeq: number
  readonly timeline: Timeline
  /** The first event of a refolded history, if there was a refold. Pauses from then on are replaced. */
  readonly refoldedSince: string | undefined
}

/** Stores folded mailboxes and their pauses. The caller holds their folding locks. */
export async function saveMailboxes(tx: Transaction<Tables>, folded: readonly FoldedMailbox[]): Promise<void> {
  await saveStates(tx, folded)
  await removeOutdatedPauses(tx, folded)
  await savePauses(tx, folded)
}

async function saveStates(tx: Transaction<Tables>, folded: readonly FoldedMailbox[]): Promise<void> {
  const rows = folded.flatMap(({ key, timeline, foldedSeq }) =>
    timeline.mailbox === null ? [] : [{ ...toMailboxRow(key, timeline.mailbox), folded_seq: foldedSeq }],
  )
  await sql`
    INSERT INTO mailboxes (owner, campaign_id, ${profileSql.names},
      status, status_since, reason, last_event_id, last_event_at, folded_seq)
    SELECT owner, campaign_id, ${profileSql.names},
      status, to_timestamp(since_ms / 1000), reason, last_event_id, to_timestamp(last_ms / 1000), folded_seq
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      owner text, campaign_id bigint, ${profileSql.typed},
      status text, since_ms float8, reason text, last_event_id uuid, last_ms float8, folded_seq bigint)
    ON CONFLICT (campaign_id, owner) DO UPDATE SET
      ${profileSql.excluded},
      status = excluded.status, status_since = excluded.status_since, reason = excluded.reason,
      last_event_id = excluded.last_event_id, last_event_at = excluded.last_event_at,
      folded_seq = excluded.folded_seq`.execute(tx)
}

function toMailboxRow({ owner, campaignId }: MailboxKey, state: MailboxState): Record<string, unknown> {
  return {
    owner,
    campaign_id: campaignId,
    ...toProfileColumns(state.profile),
    status: state.status,
    since_ms: state.statusSince,
    reason: state.reason,
    last_event_id: state.lastEventId,
    last_ms: state.lastEventAt,
  }
}

async function removeOutdatedPauses(tx: Transaction<Tables>, folded: readonly FoldedMailbox[]): Promise<void> {
  const refolded = folded.flatMap(({ key, timeline, refoldedSince: since }) =>
    since === undefined ? [] : [{ owner: key.owner, campaign_id: key.campaignId, since, pauses: timeline.pauses }],
  )
  if (refolded.length === 0) return
  const kept = refolded.flatMap(({ pauses }) => pauses.map((pause) => pause.openedBy))
  const rows = refolded.map(({ owner, campaign_id, since }) => ({ owner, campaign_id, since }))
  // NOT IN with an uncorrelated subquery uses a hash lookup; an array would be scanned for every pause.
  await sql`
    DELETE FROM pauses p
    USING json_to_recordset(${toJsonParameter(rows)}::json) AS row (owner text, campaign_id bigint, since uuid)
    WHERE p.campaign_id = row.campaign_id AND p.owner = row.owner AND p.opened_by >= row.since
      AND p.opened_by NOT IN (SELECT id::uuid FROM json_array_elements_text(${toJsonParameter(kept)}::json) AS id)`.execute(
    tx,
  )
}

async function savePauses(tx: Transaction<Tables>, folded: readonly FoldedMailbox[]): Promise<void> {
  // Closed pauses first: a mailbox has at most one open pause, even between two rows of this statement.
  const rows = folded
    .flatMap(({ key, timeline }) => timeline.pauses.map((pause) => toPauseRow(key, pause)))
    .toSorted((a, b) => Number(a.closed_by === undefined) - Number(b.closed_by === undefined))
  if (rows.length === 0) return
  await sql`
    INSERT INTO pauses (owner, campaign_id, opened_by, opened_by_type, opened_at, reason, reasons, category,
      closed_by, closed_by_type, closed_proof, closed_at)
    SELECT owner, campaign_id, opened_by, opened_by_type, to_timestamp(opened_ms / 1000), reason, reasons, category,
      closed_by, closed_by_type, closed_proof, to_timestamp(closed_ms / 1000)
    FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      owner text, campaign_id bigint, opened_by uuid, opened_by_type text, opened_ms float8, reason text,
      reasons text[], category text, closed_by uuid, closed_by_type text, closed_proof text, closed_ms float8)
    ON CONFLICT (campaign_id, owner, opened_by) DO UPDATE SET
      reason = excluded.reason, reasons = excluded.reasons, category = excluded.category,
      closed_by = excluded.closed_by, closed_by_type = excluded.closed_by_type, closed_proof = excluded.closed_proof,
      closed_at = excluded.closed_at`.execute(tx)
}

function toPauseRow({ owner, campaignId }: MailboxKey, pause: Pause) {
  return {
    owner,
    campaign_id: campaignId,
    opened_by: pause.openedBy,
    opened_by_type: pause.openedByType,
    opened_ms: pause.openedAt,
    reason: pause.reason,
    reasons: pause.reasons,
    category: pause.reason === null ? 'other' : classifyReason(pause.reason),
    closed_by: pause.closed?.eventId,
    closed_by_type: pause.closed?.type,
    closed_proof: pause.closed?.proof,
    closed_ms: pause.closed?.at,
  }
}
