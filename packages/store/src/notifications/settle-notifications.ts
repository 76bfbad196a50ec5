import { sql } from 'kysely'
import type { Queryable } from '../database.ts'

/** Ends a claim: sent notifications are recorded as announced, others are released for the next attempt. */
export async function settleNotifications(db: Queryable, claimId: string, result: 'sent' | 'not sent'): Promise<void> {
  if (result === 'sent')
    await sql`UPDATE notifications SET sent_at = now() WHERE claimed_by = ${claimId}::uuid`.execute(db)
  else await sql`DELETE FROM notifications WHERE claimed_by = ${claimId}::uuid AND sent_at IS NULL`.execute(db)
}
