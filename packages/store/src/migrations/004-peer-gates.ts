import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  `CREATE TABLE peer_gates (
    key text PRIMARY KEY,
    peer text NOT NULL,
    cause text,
    reason text,
    since timestamptz,
    refusals integer NOT NULL DEFAULT 0,
    closed_until timestamptz,
    turn_id uuid,
    turn_until timestamptz,
    pace_ms integer,
    paced_until timestamptz
  ) WITH (fillfactor = 60)`,
  `ALTER TABLE crm_sync ADD COLUMN owner text`,
  // A contact stays with the owner that wrote it last.
  `UPDATE crm_sync c SET owner = e.owner FROM events e WHERE e.id = c.synced_event_id`,
]

export const peerGates: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
