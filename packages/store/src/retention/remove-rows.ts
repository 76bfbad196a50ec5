import { sql, type Transaction } from 'kysely'
import type { Tables } from '../database.ts'
import { addRemoved } from '../ledger/removed.ts'

/** Removes up to `limit` quarantined envelopes that arrived before the id `before`. The ledger keeps counting them. */
export async function removeQuarantined(tx: Transaction<Tables>, before: string, limit: number): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    DELETE FROM quarantine WHERE id IN (
      SELECT id FROM quarantine WHERE id < ${before}::uuid ORDER BY id LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)
    RETURNING id`.execute(tx)
  await addRemoved(tx, 'quarantined', rows.length)
  return rows.length
}

/** Removes up to `limit` receipts of unnumbered intake jobs: jobs that old are not routed again. */
export async function removeReceipts(tx: Transaction<Tables>, before: Date, limit: number): Promise<number> {
  const { rows } = await sql<{ envelopes: number }>`
    DELETE FROM intake_batches WHERE id IN (
      SELECT id FROM intake_batches WHERE routed_at < ${before}::timestamptz LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)
    RETURNING envelopes`.execute(tx)
  await addRemoved(
    tx,
    'unnumbered',
    rows.reduce((sum, { envelopes }) => sum + envelopes, 0),
  )
  return rows.length
}

/** Removes up to `limit` notifications of events before the id `before`, except for pauses that were open after it. */
export async function removeNotifications(tx: Transaction<Tables>, before: string, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM notifications WHERE (campaign_id, owner, kind, event_id) IN (
      SELECT campaign_id, owner, kind, event_id FROM notifications n
      WHERE event_id < ${before}::uuid AND NOT EXISTS (
        SELECT FROM pauses p WHERE p.campaign_id = n.campaign_id AND p.owner = n.owner
          AND p.opened_by < ${before}::uuid AND (p.closed_by IS NULL OR p.closed_by >= ${before}::uuid))
      LIMIT ${limit}::int)`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}

/** Removes up to `limit` deliveries that were recorded after their event had been removed. */
export async function removeOrphans(tx: Transaction<Tables>, before: string, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM deliveries WHERE (event_id, handler) IN (
      SELECT event_id, handler FROM deliveries d
      WHERE event_id < ${before}::uuid AND NOT EXISTS (SELECT FROM events e WHERE e.id = d.event_id)
      LIMIT ${limit}::int)`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}
