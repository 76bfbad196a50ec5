import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Marks contacts as different from what was last written, so that their next write is not skipped. */
export async function doubtContacts(db: Queryable, account: string, emails: readonly string[]): Promise<void> {
  await sql`
    UPDATE crm_sync SET in_doubt = true
    WHERE provider = ${account} AND email = ANY(${[...emails]}::text[])`.execute(db)
}
