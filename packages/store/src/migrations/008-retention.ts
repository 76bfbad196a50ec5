import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  // The state of each mailbox after its removed events, up to the last of them in arrival order.
  `CREATE TABLE mailbox_bases (
    owner text NOT NULL,
    campaign_id bigint NOT NULL,
    up_to uuid NOT NULL,
    timeline json NOT NULL,
    PRIMARY KEY (campaign_id, owner)
  )`,
  `CREATE INDEX notices_by_event ON notices (event_id)`,
  `CREATE TABLE retention (
    id integer PRIMARY KEY CHECK (id = 1),
    kept_days integer,
    ran_at timestamptz,
    removed_events bigint NOT NULL DEFAULT 0
  )`,
  `INSERT INTO retention (id) VALUES (1)`,
]

/** The data that is kept about events removed after `RETENTION_DAYS`. */
export const retention: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
