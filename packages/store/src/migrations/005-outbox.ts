import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  // Ids are UUIDv7 as text: they sort by age and are also the job ids. Jobs from before the outbox have other ids.
  `CREATE TABLE outbox (
    id text COLLATE "C" PRIMARY KEY,
    handler text NOT NULL,
    event_ids uuid[] NOT NULL,
    replay_id uuid,
    is_queued boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  // UUIDs do not compress; trying to costs time on every insert.
  `ALTER TABLE outbox ALTER COLUMN event_ids SET STORAGE EXTERNAL`,
  `CREATE INDEX outbox_not_queued ON outbox (handler, id) WHERE NOT is_queued`,
  `CREATE TABLE handlers (
    name text PRIMARY KEY,
    subscribes text[] NOT NULL,
    batch_max integer NOT NULL,
    announced_at timestamptz NOT NULL,
    absent_minutes integer NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE sweeper (
    id integer PRIMARY KEY CHECK (id = 1),
    holder uuid,
    held_until timestamptz NOT NULL DEFAULT now(),
    swept_at timestamptz,
    fed bigint NOT NULL DEFAULT 0,
    recreated bigint NOT NULL DEFAULT 0
  )`,
  `INSERT INTO sweeper (id) VALUES (1)`,
  // Workers from before the outbox leave it false. A router that sees such an event again writes its outbox rows.
  `ALTER TABLE events ADD COLUMN in_outbox boolean NOT NULL DEFAULT false`,
  // No longer used for lookups. The column stays for workers of the previous version.
  `DROP INDEX events_revived`,
  // Events already owed. Their jobs are in Redis under other ids, so the sweeper ignores these rows for ten minutes.
  `INSERT INTO outbox (id, handler, event_ids, is_queued, created_at)
    SELECT gen_random_uuid()::text, handler, array_agg(id ORDER BY id), true, now() + interval '10 minutes'
    FROM (
      SELECT e.id, h.handler, (row_number() OVER (PARTITION BY h.handler ORDER BY e.id) - 1) / 100 AS part
      FROM events e CROSS JOIN LATERAL unnest(e.handlers) AS h (handler)
      WHERE e.duplicate_of IS NULL AND NOT EXISTS (
        SELECT FROM deliveries d WHERE d.event_id = e.id AND d.handler = h.handler AND d.status IN ('done', 'dead'))
    ) AS owed
    GROUP BY handler, part`,
]

/** The outbox of events that handlers owe, the known handlers, and the sweeper. */
export const outbox: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
