import { IngressReport, REPORTS_KEY, type EpochReport, type SpoolReport } from '@warmhook/schema/ingress-report'
import type { Database } from '@warmhook/store/database'
import { readReports } from '@warmhook/store/ledger/ingress-reports'
import type { Queue } from 'bullmq'

/** The latest reports of each ingress process on itself and on its spool. */
export interface LatestReports {
  readonly epochs: readonly EpochReport[]
  readonly spools: readonly SpoolReport[]
}

/** From Redis, plus reports that only Postgres still has. */
export async function readLatestReports(intake: Queue, db: Database): Promise<LatestReports> {
  const kept = (await readReports(db)).flatMap((report) => parseReport(report))
  const all = [...kept, ...(await readRedisReports(intake))].toSorted((a, b) => a.version - b.version)
  const latest = [...new Map(all.map((report) => [`${report.kind} ${report.name}`, report])).values()]
  return {
    epochs: latest.filter((report) => report.kind === 'epoch'),
    spools: latest.filter((report) => report.kind === 'spool'),
  }
}

/** The reports in Redis. */
export async function readRedisReports(intake: Queue): Promise<readonly IngressReport[]> {
  const client = await intake.backend.client
  const fields = await client.hgetall(intake.toKey(REPORTS_KEY))
  return Object.values(fields).flatMap((json) => parseReport(JSON.parse(json)))
}

/** A report of an unknown version is ignored. */
function parseReport(report: unknown): readonly IngressReport[] {
  const { data } = IngressReport.safeParse(report)
  return data === undefined ? [] : [data]
}
