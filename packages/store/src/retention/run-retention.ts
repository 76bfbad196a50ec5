import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { uuidFloor } from '../uuid-floor.ts'
import { beginEventRemoval, removeNextEvents } from './remove-events.ts'
import { removeNotifications, removeOrphans, removeQuarantined, removeReceipts } from './remove-rows.ts'
import { countRemovedEvents, noteRetention } from './retention-state.ts'

export interface RetentionTerms {
  /** `RETENTION_DAYS`, recorded to explain why data is missing. */
  readonly keptDays: number
  /** Data that arrived before this time (ms since the epoch) has expired. */
  readonly before: number
  /** Ends the run after the batch in progress. */
  readonly signal: AbortSignal
  /** Called after each committed batch, so that all rows are counted even if the run ends early. */
  readonly onBatch?: (removed: Partial<Removed>) => Promise<void> | void
}

/** Rows removed by a run, by table. */
export interface Removed {
  readonly events: number
  readonly deliveries: number
  readonly quarantine: number
  readonly receipts: number
  readonly notifications: number
}

/** A batch takes some tens of milliseconds and blocks folding of its mailboxes. */
const batchSize = 1_000

/**
 * Removes expired data: events with their deliveries, quarantined envelopes, receipts and notifications. Events that
 * handlers still owe stay, and so does everything that a mailbox's state depends on. It works in small, independent
 * transactions, so a crash is harmless, and pauses after each for as long as it took. If another caller is running, the
 * run ends.
 *
 * @returns what this call removed
 */
export async function runRetention(db: Database, terms: RetentionTerms): Promise<Removed> {
  const edge = uuidFloor(terms.before)
  const before = new Date(terms.before)
  const removal = await beginEventRemoval(db, edge)
  const removed = { events: 0, deliveries: 0, quarantine: 0, receipts: 0, notifications: 0 }
  const steps: readonly RemovalStep[] = [
    async (tx) => {
      const { seen, ...batch } = await removeNextEvents(tx, removal, batchSize)
      await countRemovedEvents(tx, batch.events)
      return { found: seen, batch }
    },
    ofTable('quarantine', (tx) => removeQuarantined(tx, edge, batchSize)),
    ofTable('receipts', (tx) => removeReceipts(tx, before, batchSize)),
    ofTable('notifications', (tx) => removeNotifications(tx, edge, batchSize)),
    ofTable('deliveries', (tx) => removeOrphans(tx, edge, batchSize)),
  ]
  for (const step of steps) if (!(await repeat(db, terms, step, removed))) return removed
  if (!terms.signal.aborted) await noteRetention(db, terms.keptDays)
  return removed
}

/** Removes one batch. The step is done when nothing is found. */
type RemovalStep = (tx: Transaction<Tables>) => Promise<{ readonly found: number; readonly batch: Partial<Removed> }>

function ofTable(table: keyof Removed, remove: (tx: Transaction<Tables>) => Promise<number>): RemovalStep {
  return async (tx) => {
    const found = await remove(tx)
    return { found, batch: { [table]: found } }
  }
}

/** Runs batches until one finds nothing, and adds them to `sums`. Returns false if another caller is running. */
async function repeat(
  db: Database,
  { signal, onBatch }: RetentionTerms,
  step: RemovalStep,
  sums: Record<keyof Removed, number>,
): Promise<boolean> {
  for (;;) {
    const startedAt = performance.now()
    const done = await db.transaction().execute(async (tx) => ((await isOnlyRemover(tx)) ? step(tx) : undefined))
    if (done === undefined) return false
    if (done.found === 0) return true
    for (const table of removedTables) sums[table] += done.batch[table] ?? 0
    await onBatch?.(done.batch)
    if (signal.aborted) return true
    await delay(performance.now() - startedAt, undefined, { signal }).catch(() => undefined)
  }
}

/** The tables that retention removes rows from. */
export const removedTables = [
  'events',
  'deliveries',
  'quarantine',
  'receipts',
  'notifications',
] as const satisfies readonly (keyof Removed)[]

/** An arbitrary key for an advisory lock, used nowhere else. */
const removalLock = 7_311_003

async function isOnlyRemover(tx: Transaction<Tables>): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(${sql.lit(removalLock)}) AS free`.execute(tx)
  return rows[0]?.free === true
}
