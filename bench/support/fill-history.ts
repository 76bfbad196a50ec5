import type { Database } from '@warmhook/store/database'
import { foldTotals } from '@warmhook/store/ledger/totals'
import { sql } from 'kysely'

export interface HistorySize {
  readonly events: number
  readonly mailboxes: number
  /** The events are spread over this many days, ending now. */
  readonly days: number
}

const handlers = ['pause-tracking', 'crm-sync']
const chunk = 500_000

/**
 * Fills an empty database with years of history: events finished by both handlers, some of them duplicates or dead,
 * with their mailboxes, pauses and a quarantine. It uses SQL and creates the indexes last, which takes a hundredth of
 * the time.
 */
export async function fillHistory(
  db: Database,
  { events, mailboxes, days }: HistorySize,
  report: (progress: string) => void,
): Promise<void> {
  const indexes = await dropIndexes(db)
  for (let first = 0; first < events; first += chunk) {
    const last = Math.min(first + chunk, events)
    await addEvents(db, { first, last, events, mailboxes, days })
    report(`history: ${last.toLocaleString('en')} of ${events.toLocaleString('en')} events`)
  }
  await addMailboxes(db, mailboxes)
  for (const index of indexes) await sql.raw(index).execute(db)
  await foldTotals(db)
  await sql`VACUUM ANALYZE`.execute(db)
}

/** Returns the statements that recreate the indexes. */
async function dropIndexes(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string; statement: string }>`
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS statement FROM pg_index
    WHERE indrelid IN ('events'::regclass, 'deliveries'::regclass) AND NOT indisprimary`.execute(db)
  for (const { name } of rows) await sql`DROP INDEX ${sql.ref(name)}`.execute(db)
  return rows.map(({ statement }) => statement)
}

async function addEvents(
  db: Database,
  { first, last, events, mailboxes, days }: HistorySize & { readonly first: number; readonly last: number },
): Promise<void> {
  // Every hundredth event is a duplicate; every ten-thousandth is dead in one handler.
  await sql`
    WITH made AS MATERIALIZED (
      SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || lpad(to_hex(n), 16, '8000000000000000'))::uuid AS id,
        (hashint4(n) & 2147483647) % ${mailboxes}::int AS mailbox
      FROM (
        SELECT n, now() - ((${events}::float8 - n) / ${events}::float8) * ${days}::float8 * interval '1 day' AS at
        FROM generate_series(${first}::int, ${last - 1}::int) AS n
      ) AS numbered
    ), added AS (
      INSERT INTO events (id, owner, source, campaign_id, type, email, received_at, event, raw, payload_hash, duplicate_of, handlers, in_outbox)
      SELECT id, 'owner ' || mailbox % 40, 'mailivery', mailbox, type, address, at,
        json_build_object('id', id, 'source', 'mailivery', 'owner', 'owner ' || mailbox % 40, 'campaignId', mailbox, 'type', type,
          'receivedAt', (extract(epoch FROM at) * 1000)::bigint, 'reason', 'Smtp Connection Error', 'profile', json_build_object('email', address)),
        convert_to(repeat('{"type":"campaign.updated"}', 11), 'UTF8'), int4send(n), CASE WHEN n % 100 = 0 THEN id END,
        ${handlers}::text[], true
      FROM made CROSS JOIN LATERAL (
        SELECT 'mailbox' || mailbox || '@example.com' AS address,
          (ARRAY['campaign.updated', 'campaign.connection.problematic', 'campaign.created'])[1 + n % 3] AS type) AS said
    )
    INSERT INTO deliveries (event_id, handler, status, attempts, started_at, finished_at)
    SELECT id, handler, CASE WHEN n % 10000 = 1 AND handler = 'crm-sync' THEN 'dead' ELSE 'done' END, 1, at, at
    FROM made CROSS JOIN unnest(${handlers}::text[]) AS h (handler) WHERE n % 100 <> 0`.execute(db)
}

async function addMailboxes(db: Database, mailboxes: number): Promise<void> {
  await sql`
    INSERT INTO mailboxes (owner, campaign_id, email, status, status_since, last_event_id, last_event_at, folded_seq)
    SELECT 'owner ' || n % 40, n, 'mailbox' || n || '@example.com', CASE WHEN n % 20 = 0 THEN 'paused' ELSE 'active' END,
      now() - interval '1 day', gen_random_uuid(), now(), 9223372036854775807
    FROM generate_series(0, ${mailboxes - 1}::int) AS n`.execute(db)
  await sql`
    INSERT INTO pauses (owner, campaign_id, opened_by, opened_at, reason, reasons, category, closed_by, closed_by_type, closed_at)
    SELECT 'owner ' || n % 40, n, gen_random_uuid(), now() - part * interval '9 days', 'Smtp Connection Error', '{}', 'smtp_connection',
      CASE WHEN part > 0 OR n % 20 <> 0 THEN gen_random_uuid() END, CASE WHEN part > 0 OR n % 20 <> 0 THEN 'campaign.updated' END,
      CASE WHEN part > 0 OR n % 20 <> 0 THEN now() - part * interval '9 days' + interval '3 hours' END
    FROM generate_series(0, ${mailboxes - 1}::int) AS n, generate_series(0, 3) AS part`.execute(db)
  await sql`
    INSERT INTO quarantine (id, owner, source, received_at, issue, issues, raw)
    SELECT gen_random_uuid(), 'owner 1', 'mailivery', now(), 'not JSON', '[]', '' FROM generate_series(1, 1000)`.execute(
    db,
  )
}
