import { sql, type Selectable } from 'kysely'
import type { Queryable } from '../database.ts'
import type { ReconciliationState, ReconciliationTable } from './reconciliation-table.ts'
import { parseCursor, toPage, type Page, type PageRequest } from '../page.ts'
import { findings, repairs, type Finding } from './runs.ts'

/** A run as shown by the API. */
export type RunView = Readonly<Record<Finding, number>> & {
  readonly id: string
  readonly owner: string
  readonly dryRun: boolean
  readonly state: ReconciliationState
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly checked: number
  /** Whether Mailivery was asked to recheck paused mailboxes. */
  readonly rechecked: boolean
  readonly error: string | null
}

/** Lists runs, latest first. */
export async function listRuns(
  db: Queryable,
  filter: { readonly id?: string | undefined; readonly owner?: string | undefined },
  { limit, cursor }: PageRequest,
): Promise<Page<RunView>> {
  const before = parseCursor(cursor)
  let query = db
    .selectFrom('reconciliations')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (before !== undefined) query = query.where('id', '<', before)
  if (filter.id !== undefined) query = query.where('id', '=', filter.id)
  if (filter.owner !== undefined) query = query.where('owner', '=', filter.owner)
  return toPage(await query.execute(), limit, ({ id }) => id, toView)
}

function toView(row: Selectable<ReconciliationTable>): RunView {
  return {
    id: row.id,
    owner: row.owner,
    dryRun: row.dry_run,
    state: row.state,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    checked: row.checked,
    rechecked: row.rechecked,
    ...(Object.fromEntries(findings.map((finding) => [finding, row[finding]])) as Record<Finding, number>),
    error: row.error,
  }
}

/** What all runs have repaired, by kind. */
export async function countRepairs(db: Queryable): Promise<ReadonlyMap<Finding, number>> {
  const sums = sql.join(repairs.map((kind) => sql`coalesce(sum(${sql.ref(kind)}), 0)::float8 AS ${sql.ref(kind)}`))
  const { rows } = await sql<Record<Finding, number>>`
    SELECT ${sums} FROM reconciliations WHERE NOT dry_run`.execute(db)
  return new Map(repairs.map((kind) => [kind, rows[0]?.[kind] ?? 0]))
}

/** Each owner's latest run that was no dry run. */
export async function readLatestRuns(db: Queryable): Promise<readonly RunView[]> {
  const rows = await db
    .selectFrom('reconciliations')
    .selectAll()
    .distinctOn('owner')
    .where('dry_run', '=', false)
    .orderBy('owner')
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toView)
}
