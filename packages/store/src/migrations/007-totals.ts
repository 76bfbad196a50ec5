import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

// Triggers keep the totals correct whoever changes a table, including workers of the previous version and psql users.
// Each statement only inserts rows into `total_changes`, so that writers never block each other. `foldTotals` moves the
// changes to `totals`.
const statements = [
  `CREATE TABLE totals (
    name text NOT NULL,
    key text NOT NULL,
    bucket timestamptz NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (name, key, bucket)
  ) WITH (fillfactor = 60)`,
  `CREATE TABLE total_changes (
    name text NOT NULL,
    key text NOT NULL DEFAULT '',
    bucket timestamptz NOT NULL DEFAULT '-infinity',
    amount numeric NOT NULL
  )`,
  // Open events recorded by a router without an outbox: no outbox row refers to them.
  `CREATE TABLE legacy_events (id uuid PRIMARY KEY)`,
  `CREATE INDEX pauses_closed ON pauses (closed_at) WHERE closed_at IS NOT NULL`,

  // One statement per trigger: the overhead of another statement exceeds the cost of these few rows.
  `CREATE FUNCTION total_events_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    WITH legacy AS (INSERT INTO legacy_events SELECT id FROM added WHERE NOT in_outbox ON CONFLICT DO NOTHING)
    INSERT INTO total_changes (name, bucket, amount)
      SELECT 'events', date_bin('10 seconds', received_at, '2000-01-01 00:00+00'), count(*) FROM added GROUP BY 2
      UNION ALL SELECT 'duplicates', '-infinity', count(*) FROM added WHERE duplicate_of IS NOT NULL HAVING count(*) > 0;
    RETURN NULL;
  END $$`,
  `CREATE FUNCTION total_events_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM added) THEN
      WITH legacy AS (
        INSERT INTO legacy_events SELECT id FROM added WHERE NOT in_outbox AND duplicate_of IS NULL ON CONFLICT DO NOTHING
      )
      INSERT INTO total_changes (name, bucket, amount)
        SELECT 'events', date_bin('10 seconds', received_at, '2000-01-01 00:00+00'), sum(amount)
        FROM (SELECT received_at, 1 AS amount FROM added UNION ALL SELECT received_at, -1 FROM removed) AS change
        GROUP BY 2 HAVING sum(amount) <> 0
        UNION ALL SELECT 'duplicates', '-infinity', sum(amount) FROM (
          SELECT 1 AS amount FROM added WHERE duplicate_of IS NOT NULL
          UNION ALL SELECT -1 FROM removed WHERE duplicate_of IS NOT NULL) AS change
        HAVING sum(amount) <> 0;
    END IF;
    RETURN NULL;
  END $$`,
  `CREATE FUNCTION total_events_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO total_changes (name, bucket, amount)
      SELECT 'events', date_bin('10 seconds', received_at, '2000-01-01 00:00+00'), -count(*) FROM removed GROUP BY 2
      UNION ALL SELECT 'duplicates', '-infinity', -count(*) FROM removed WHERE duplicate_of IS NOT NULL HAVING count(*) > 0;
    RETURN NULL;
  END $$`,
  ...followed('events', 'total_events'),

  ...counted('quarantine', 'total_quarantine', [{ name: 'quarantine', key: 'issue' }]),
  ...counted('mailboxes', 'total_mailboxes', [{ name: 'mailboxes', key: 'status' }]),
  ...counted('intake_batches', 'total_intake_batches', [{ name: 'intake batches', amount: 'envelopes' }]),
  ...counted('pauses', 'total_pauses', [
    { name: 'pauses closed', bucket: 'closed_at', where: 'closed_at IS NOT NULL' },
    {
      name: 'seconds paused',
      bucket: 'closed_at',
      amount: 'extract(epoch FROM closed_at - opened_at)',
      where: 'closed_at IS NOT NULL',
    },
  ]),

  // The existing rows. The locks taken by CREATE TRIGGER prevent concurrent changes.
  `INSERT INTO totals (name, key, bucket, amount)
    SELECT 'events', '', CASE WHEN received_at < now() - interval '2 days' THEN '-infinity'
      ELSE date_bin('10 seconds', received_at, '2000-01-01 00:00+00') END, count(*) FROM events GROUP BY 3
    UNION ALL SELECT 'duplicates', '', '-infinity', count(*) FROM events WHERE duplicate_of IS NOT NULL
    UNION ALL SELECT 'quarantine', issue, '-infinity', count(*) FROM quarantine GROUP BY issue
    UNION ALL SELECT 'mailboxes', status, '-infinity', count(*) FROM mailboxes GROUP BY status
    UNION ALL SELECT 'intake batches', '', '-infinity', coalesce(sum(envelopes), 0) FROM intake_batches
    UNION ALL SELECT 'pauses closed', '', date_bin('1 hour', closed_at, '2000-01-01 00:00+00'), count(*)
      FROM pauses WHERE closed_at IS NOT NULL GROUP BY 3
    UNION ALL SELECT 'seconds paused', '', date_bin('1 hour', closed_at, '2000-01-01 00:00+00'), sum(extract(epoch FROM closed_at - opened_at))
      FROM pauses WHERE closed_at IS NOT NULL GROUP BY 3`,
  `INSERT INTO legacy_events
    SELECT id FROM events e WHERE NOT in_outbox AND duplicate_of IS NULL AND cardinality(handlers) > (
      SELECT count(*) FROM deliveries d WHERE d.event_id = e.id AND d.status = 'done')`,
]

interface Total {
  readonly name: string
  /** An SQL expression over a row of the table. */
  readonly key?: string
  /** A column; totals are kept for each hour of it. */
  readonly bucket?: string
  readonly amount?: string
  readonly where?: string
}

/** The functions and triggers for totals that are sums over a table. */
function counted(table: string, prefix: string, totals: readonly Total[]): readonly string[] {
  const sum = (
    sign: string,
    rows: string,
    { name, key = "''", bucket, amount = '1', where = 'true' }: Total,
  ): string => `
    SELECT '${name}' AS name, ${key} AS key,
      ${bucket === undefined ? "'-infinity'::timestamptz" : `date_bin('1 hour', ${bucket}, '2000-01-01 00:00+00')`} AS bucket,
      ${sign}(${amount}) AS amount
    FROM ${rows} WHERE ${where}`
  const append = (parts: readonly string[]): string => `
    INSERT INTO total_changes (name, key, bucket, amount)
      SELECT name, key, bucket, sum(amount) FROM (${parts.join(' UNION ALL ')}) AS change
      GROUP BY name, key, bucket HAVING sum(amount) <> 0;`
  const added = totals.map((total) => sum('', 'added', total))
  const removed = totals.map((total) => sum('-', 'removed', total))
  const bodies = { added, changed: [...added, ...removed], removed }
  return [
    ...Object.entries(bodies).map(
      ([event, parts]) =>
        `CREATE FUNCTION ${prefix}_${event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF EXISTS (SELECT FROM ${event === 'removed' ? 'removed' : 'added'}) THEN ${append(parts)} END IF;
          RETURN NULL;
        END $$`,
    ),
    ...followed(table, prefix),
  ]
}

/** The triggers that call a table's functions. */
function followed(table: string, prefix: string): readonly string[] {
  return [
    `CREATE TRIGGER ${prefix}_added AFTER INSERT ON ${table} REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION ${prefix}_added()`,
    `CREATE TRIGGER ${prefix}_changed AFTER UPDATE ON ${table} REFERENCING OLD TABLE AS removed NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION ${prefix}_changed()`,
    `CREATE TRIGGER ${prefix}_removed AFTER DELETE ON ${table} REFERENCING OLD TABLE AS removed
      FOR EACH STATEMENT EXECUTE FUNCTION ${prefix}_removed()`,
  ]
}

/** Running counts, which would otherwise require scans of whole tables. */
export const totals: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
