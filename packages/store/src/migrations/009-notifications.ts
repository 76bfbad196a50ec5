import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  'ALTER TABLE notices RENAME TO notifications',
  'ALTER INDEX notices_pkey RENAME TO notifications_pkey',
  'ALTER INDEX notices_by_claim RENAME TO notifications_by_claim',
  'ALTER INDEX notices_by_event RENAME TO notifications_by_event',
  // Workers of the previous version keep using the old name.
  'CREATE VIEW notices AS SELECT * FROM notifications',
  // Not used by any version that can run alongside this one.
  'ALTER TABLE events DROP COLUMN revived_by',
]

/** Renames the table to the documented name, and drops an unused column. */
export const notifications: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
