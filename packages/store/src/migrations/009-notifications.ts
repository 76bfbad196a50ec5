import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = [
  'ALTER TABLE notices RENAME TO notifications',
  'ALTER INDEX notices_pkey RENAME TO notifications_pkey',
  'ALTER INDEX notices_by_claim RENAME TO notifications_by_claim',
  'ALTER INDEX notices_by_event RENAME TO notifications_by_event',
  // Workers of the version before go on with the name that they know.
  'CREATE VIEW notices AS SELECT * FROM notifications',
  // Written and read by no version that can run beside this one.
  'ALTER TABLE events DROP COLUMN revived_by',
]

/** The table takes the name that the documentation uses, and a column that nobody uses goes. */
export const notifications: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
}
