import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  `ALTER TABLE events ADD COLUMN warnings text[], ADD COLUMN content_encoding text`,
  `ALTER TABLE quarantine ADD COLUMN content_encoding text`,
  // To find whether a campaign was deleted at some time, however many updates and problems came since.
  `CREATE INDEX events_of_lives ON events (campaign_id, owner, id)
    WHERE type IN ('campaign.created', 'campaign.pending', 'campaign.deleted') AND duplicate_of IS NULL`,
]

export const eventWarnings: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
