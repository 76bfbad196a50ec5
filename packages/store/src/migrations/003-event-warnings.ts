import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  `ALTER TABLE events ADD COLUMN warnings text[], ADD COLUMN content_encoding text`,
  `ALTER TABLE quarantine ADD COLUMN content_encoding text`,
  // Finds whether a campaign was deleted at some point, however many updates and problems followed.
  `CREATE INDEX events_of_lives ON events (campaign_id, owner, id)
    WHERE type IN ('campaign.created', 'campaign.pending', 'campaign.deleted') AND duplicate_of IS NULL`,
  // A mailbox that an event revived after its deletion is refolded from its whole history with its next event.
  `UPDATE mailboxes m SET folded_seq = 0 WHERE status <> 'deleted' AND EXISTS (
    SELECT FROM events e WHERE e.campaign_id = m.campaign_id AND e.owner = m.owner
      AND e.type = 'campaign.deleted' AND e.duplicate_of IS NULL)`,
]

export const eventWarnings: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
