import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Mailboxes of an owner that a complete reading did not contain, although they were known when it began. */
export interface MissingMailboxes {
  /** All mailboxes of the owner that are not deleted. */
  readonly known: number
  /** Not in this reading. */
  readonly missing: number
  /** Campaign ids that an earlier complete reading did not contain either. */
  readonly missedTwice: readonly number[]
}

/** Finds the mailboxes that a reading begun at `startedAt` (ms since the epoch) did not contain. */
export async function findMissingMailboxes(db: Queryable, owner: string, startedAt: number): Promise<MissingMailboxes> {
  const { rows } = await sql<{ known: string; missing: string; twice: number[] | null }>`
    SELECT count(*) AS known, count(*) FILTER (WHERE is_missing) AS missing,
      json_agg(campaign_id) FILTER (WHERE is_missing AND missed_at < ${startTime(startedAt)}) AS twice
    FROM (
      SELECT m.campaign_id, r.missed_at, ${isMissing(startedAt)} AS is_missing
      FROM mailboxes m LEFT JOIN mailbox_readings r ON r.campaign_id = m.campaign_id AND r.owner = m.owner
      WHERE m.owner = ${owner} AND m.status <> 'deleted'
    ) AS mailbox`.execute(db)
  const [row] = rows
  return { known: Number(row?.known ?? 0), missing: Number(row?.missing ?? 0), missedTwice: row?.twice ?? [] }
}

/** Remembers which mailboxes the reading did not contain, for the next one to agree. */
export async function saveMissingMailboxes(db: Queryable, owner: string, startedAt: number): Promise<void> {
  await sql`
    INSERT INTO mailbox_readings AS known (owner, campaign_id, read_at, missed_at)
    SELECT m.owner, m.campaign_id, '-infinity', ${startTime(startedAt)}
    FROM mailboxes m LEFT JOIN mailbox_readings r ON r.campaign_id = m.campaign_id AND r.owner = m.owner
    WHERE m.owner = ${owner} AND m.status <> 'deleted' AND ${isMissing(startedAt)}
    ORDER BY m.campaign_id
    ON CONFLICT (campaign_id, owner) DO UPDATE SET missed_at = excluded.missed_at
    WHERE known.missed_at IS NULL AND known.read_at < excluded.missed_at`.execute(db)
}

const startTime = (startedAt: number) => sql`to_timestamp(${startedAt}::bigint / 1000.0)`

/** A webhook that arrived since the reading began shows that the mailbox exists, or deletes it. */
const isMissing = (startedAt: number) =>
  sql`(coalesce(r.read_at < ${startTime(startedAt)}, true) AND m.last_event_at < ${startTime(startedAt)})`
