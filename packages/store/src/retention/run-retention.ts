import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import type { Database, Tables } from '../database.ts'
import { uuidFloor } from '../uuid-floor.ts'
import { beginEventRemoval, removeNextEvents } from './remove-events.ts'
import { removeNotices, removeOrphans, removeQuarantined, removeReceipts } from './remove-rows.ts'
import { noteRetention } from './retention-state.ts'

export interface RetentionTerms {
  /** `RETENTION_DAYS`, for whoever asks why something is gone. */
  readonly keptDays: number
  /** What arrived before this time (ms since the epoch) is old. */
  readonly before: number
  /** Ends the run after the batch in progress. */
  readonly signal: AbortSignal
}

/** Rows that a run has removed. */
export interface Removed {
  readonly events: number
  readonly quarantine: number
  readonly receipts: number
  readonly notices: number
}

/** A batch takes some tens of milliseconds, for which its mailboxes are not folded. */
const batchSize = 1_000

/**
 * Removes what is old: events with their deliveries, quarantined envelopes, receipts and notices. What handlers owe stays, and
 * so does all that a mailbox's state depends on. Small transactions, each whole in itself, so that a crash harms nothing;
 * between them it rests as long as they take. One caller at a time; the others get undefined at once.
 */
export async function runRetention(db: Database, terms: RetentionTerms): Promise<Removed | undefined> {
  const edge = uuidFloor(terms.before)
  const removal = await beginEventRemoval(db, edge)
  let events = 0
  const walk = async (tx: Transaction<Tables>): Promise<number> => {
    const { seen, removed } = await removeNextEvents(tx, removal, batchSize)
    events += removed
    return seen
  }
  if ((await repeat(db, terms, walk)) === undefined) return undefined
  const before = new Date(terms.before)
  const quarantine = await repeat(db, terms, (tx) => removeQuarantined(tx, edge, batchSize))
  const receipts = await repeat(db, terms, (tx) => removeReceipts(tx, before, batchSize))
  const notices = await repeat(db, terms, (tx) => removeNotices(tx, edge, batchSize))
  await repeat(db, terms, (tx) => removeOrphans(tx, edge, batchSize))
  await noteRetention(db, { keptDays: terms.keptDays, removedEvents: events })
  return { events, quarantine: quarantine ?? 0, receipts: receipts ?? 0, notices: notices ?? 0 }
}

/** Runs batches until one finds nothing. Returns the sum of what they found, undefined where another caller is at work. */
async function repeat(
  db: Database,
  { signal }: RetentionTerms,
  batch: (tx: Transaction<Tables>) => Promise<number>,
): Promise<number | undefined> {
  for (let sum = 0; ;) {
    const startedAt = performance.now()
    const found = await db.transaction().execute(async (tx) => ((await isOnlyRemover(tx)) ? batch(tx) : undefined))
    if (found === undefined) return undefined
    sum += found
    if (found === 0 || signal.aborted) return sum
    await delay(performance.now() - startedAt, undefined, { signal }).catch(() => undefined)
  }
}

/** Any number that nothing else locks. */
const removalLock = 7_311_003

async function isOnlyRemover(tx: Transaction<Tables>): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    SELECT pg_try_advisory_xact_lock(${sql.lit(removalLock)}) AS free`.execute(tx)
  return rows[0]?.free === true
}
