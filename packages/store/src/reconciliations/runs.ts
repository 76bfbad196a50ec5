import { sql, type Selectable } from 'kysely'
import type { Database, Queryable } from '../database.ts'
import type { ReconciliationState, ReconciliationTable } from './reconciliation-table.ts'

/** What a run has found; in a dry run, what it would have corrected. */
export const findings = ['opened', 'closed', 'added', 'vanished', 'changed', 'confirmed', 'unclear'] as const
export type Finding = (typeof findings)[number]

/** Findings that mean a webhook was lost: the measure is their sum. */
export const repairs: readonly Finding[] = ['opened', 'closed', 'added', 'vanished']

/** How much a run has repaired. */
export function sumRepairs(counts: Readonly<Record<Finding, number>>): number {
  return repairs.reduce((sum, kind) => sum + counts[kind], 0)
}

export type FindingCounts = Readonly<Partial<Record<Finding, number>>>

/** A run in progress. */
export interface Run {
  readonly id: string
  readonly owner: string
  readonly isDry: boolean
  readonly acceptsVanished: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly touchedAt: number
  readonly checked: number
  /** Where to go on; null for the first page. */
  readonly nextPage: string | null
}

export interface RunRequest {
  readonly id: string
  readonly owner: string
  readonly isDry: boolean
  readonly acceptsVanished: boolean
  readonly now: number
}

/** Creates a run, unless the owner has one of the same kind in progress: that one is returned. */
export async function beginRun(db: Database, request: RunRequest): Promise<Run> {
  return db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`reconcile ${request.owner}`}, 4))`.execute(tx)
    const current = await findRun(tx, request)
    if (current !== undefined) return current
    const at = new Date(request.now)
    const row = await tx
      .insertInto('reconciliations')
      .values({
        id: request.id,
        owner: request.owner,
        dry_run: request.isDry,
        accept_vanished: request.acceptsVanished,
        state: 'running',
        started_at: at,
        touched_at: at,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return toRun(row)
  })
}

async function findRun(tx: Queryable, { owner, isDry, acceptsVanished }: RunRequest): Promise<Run | undefined> {
  const row = await tx
    .selectFrom('reconciliations')
    .selectAll()
    .where('owner', '=', owner)
    .where('state', '=', 'running')
    .where('dry_run', '=', isDry)
    .where('accept_vanished', '=', acceptsVanished)
    .executeTakeFirst()
  return row && toRun(row)
}

/** A run that is still in progress. */
export async function readRun(db: Queryable, id: string): Promise<Run | undefined> {
  const row = await db
    .selectFrom('reconciliations')
    .selectAll()
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return row && toRun(row)
}

export interface Progress {
  readonly checked: number
  readonly counts: FindingCounts
  readonly nextPage: string | null
  readonly now: number
}

/** Records a page. Returns undefined if another worker has recorded it, or has ended the run. */
export async function advanceRun(db: Queryable, run: Run, progress: Progress): Promise<Run | undefined> {
  const added = Object.fromEntries(
    findings.map((finding) => [finding, sql<number>`${sql.ref(finding)} + ${progress.counts[finding] ?? 0}::int`]),
  )
  const row = await db
    .updateTable('reconciliations')
    .set({
      ...added,
      checked: sql<number>`checked + ${progress.checked}::int`,
      next_page: progress.nextPage,
      touched_at: new Date(progress.now),
    })
    .where('id', '=', run.id)
    .where('state', '=', 'running')
    .where('checked', '=', run.checked)
    .where(sql<boolean>`next_page IS NOT DISTINCT FROM ${run.nextPage}`)
    .returningAll()
    .executeTakeFirst()
  return row && toRun(row)
}

export interface RunEnd {
  readonly state: Exclude<ReconciliationState, 'running'>
  readonly error?: string
  readonly vanished?: number
  readonly now: number
}

/** Records that a run asked Mailivery to recheck paused mailboxes. */
export async function markRechecked(db: Queryable, id: string): Promise<void> {
  await db.updateTable('reconciliations').set({ rechecked: true }).where('id', '=', id).execute()
}

/** Ends a run, once. */
export async function endRun(db: Queryable, id: string, { state, error, vanished = 0, now }: RunEnd): Promise<void> {
  await db
    .updateTable('reconciliations')
    .set({
      state,
      error: error ?? null,
      next_page: null,
      vanished,
      touched_at: new Date(now),
      finished_at: new Date(now),
    })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute()
}

function toRun(row: Selectable<ReconciliationTable>): Run {
  return {
    id: row.id,
    owner: row.owner,
    isDry: row.dry_run,
    acceptsVanished: row.accept_vanished,
    startedAt: row.started_at.getTime(),
    touchedAt: row.touched_at.getTime(),
    checked: row.checked,
    nextPage: row.next_page,
  }
}
