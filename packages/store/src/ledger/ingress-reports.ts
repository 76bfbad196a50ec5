import type { IngressReport } from '@warmhook/schema/ingress-report'
import { sql } from 'kysely'
import type { Queryable } from '../database.ts'
import { toJsonParameter } from '../json-parameter.ts'

/** Stores reports of ingress processes. A report never replaces a later one. */
export async function saveReports(db: Queryable, reports: readonly IngressReport[]): Promise<void> {
  if (reports.length === 0) return
  const latest = new Map(reports.toSorted((a, b) => a.version - b.version).map((report) => [keyOf(report), report]))
  const rows = [...latest.values()].map((report) => ({ ...keysOf(report), version: report.version, report }))
  await sql`
    INSERT INTO ingress_reports AS r (kind, name, version, report)
    SELECT kind, name, version, report FROM json_to_recordset(${toJsonParameter(rows)}::json) AS row (
      kind text, name text, version bigint, report json)
    ORDER BY kind, name
    ON CONFLICT (kind, name) DO UPDATE SET version = excluded.version, report = excluded.report, saved_at = now()
    WHERE r.version < excluded.version`.execute(db)
}

/** Reads the stored reports, as they were received. */
export async function readReports(db: Queryable): Promise<readonly unknown[]> {
  const { rows } = await sql<{ report: unknown }>`SELECT report FROM ingress_reports`.execute(db)
  return rows.map(({ report }) => report)
}

/** Deletes those of the reports that have not changed for a day: their processes have ended. */
export async function forgetReports(db: Queryable, reports: readonly IngressReport[]): Promise<void> {
  if (reports.length === 0) return
  await sql`
    DELETE FROM ingress_reports r USING json_to_recordset(${toJsonParameter(reports.map(keysOf))}::json) AS row (
      kind text, name text)
    WHERE r.kind = row.kind AND r.name = row.name AND r.saved_at < now() - interval '1 day'`.execute(db)
}

function keysOf({ kind, name }: IngressReport): Pick<IngressReport, 'kind' | 'name'> {
  return { kind, name }
}

function keyOf({ kind, name }: IngressReport): string {
  return `${kind} ${name}`
}
