import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

// With a folded_seq of 0, every mailbox is folded again from its whole history.
const statements = [
  `ALTER TABLE events ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY`,
  `CREATE INDEX events_by_seq ON events (campaign_id, owner, seq)`,
  `ALTER TABLE mailboxes ADD COLUMN folded_seq bigint NOT NULL DEFAULT 0, DROP COLUMN recent_event_ids`,
  // Delivery ids are only looked up within a mailbox.
  `DROP INDEX events_by_delivery_id`,
  `CREATE INDEX events_by_delivery_id ON events (campaign_id, owner, delivery_id, id) WHERE delivery_id IS NOT NULL`,
]

export const recordingOrder: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
