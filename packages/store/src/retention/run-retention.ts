import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { uuidFloor } from '../uuid-floor.ts'
import { beginEventRemoval, removeNextEvents } from './remove-events.ts'
import { removeNotifications, removeOrphans, removeQuarantined, removeReceipts } from './remove-rows.ts'
import { countRemovedEvents, noteRetention } from './retention-state.ts'

export interface RetentionTerms {
  /** `RETENTION_DAYS`, for whoever asks why something is gone. */
  readonly keptDays: number
  /** What arrived before this time (ms since the epoch) is old. */
  readonly before: number
  /** Ends the run after the batch in progress. */
  readonly signal: AbortSignal
  /** Called after each batch is committed, so that nothing goes uncounted if the run ends early. */
  readonly onBatch?: (removed: Partial<Removed>) => Promise<void> | void
}

/** Rows that a run has removed, by table. */
export interface Removed {
  readonly events: number
  readonly deliveries: number
  readonly quarantine: number
  readonly receipts: number
  readonly notifications: number
}

/** A batch takes some tens of milliseconds, for which its mailboxes are not folded. */
const batchSize = 1_000

/**
 * Removes what is old: events with their deliveries, quarantined envelopes, receipts and notifications. What handlers owe stays, and
 * so does all that a mailbox's state depends on. Small transactions, each whole in itself, so that a crash harms nothing;
 * between them it rests as long as they take. One caller at a time: where another is at work, the run ends.
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

/** One batch. With nothing found, the step is done. */
type RemovalStep = (tx: Transaction<Tables>) => Promise<{ readonly found: number; readonly batch: Partial<Removed> }>

function ofTable(table: keyof Removed, remove: (tx: Transaction<Tables>) => Promise<number>): RemovalStep {
  return async (tx) => {
    const found = await remove(tx)
    return { found, batch: { [table]: found } }
  }
}

/** Runs batches until one finds nothing, and adds them to `sums`. Returns false where another caller is at work. */
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

/** Any number that nothing else locks. */
const removalLock = 7_311_003

async function isOnlyRemover(tx: Transaction<Tables>): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(${sql.lit(removalLock)}) AS free`.execute(tx)
  return rows[0]?.free === true
}
