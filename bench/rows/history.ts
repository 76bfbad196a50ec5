import { setTimeout as delay } from 'node:timers/promises'
import { openPostgres } from '@warmhook/store/open-database'
import { runRetention } from '@warmhook/store/retention/run-retention'
import { fillHistory, type HistorySize } from '../support/fill-history.ts'
import { openSite } from '../support/open-site.ts'
import type { Service } from '../support/start-services.ts'

export interface HistoryResult {
  /** The 95th percentile of each route's warm answers, in ms, by its path. */
  readonly p95: ReadonlyMap<string, number>
  /** Events that retention removes, by itself. */
  readonly removedPerSecond: number
}

export interface HistoryOptions extends HistorySize {
  readonly requests: number
  /** Collections of the metrics, which are made every ten seconds at most. */
  readonly collections: number
}

const routes = ['/api/ledger', '/api/stats', '/api/handlers', '/api/quarantine']
/** The board collects its metrics again after ten seconds. */
const collectEveryMs = 10_100
/** Retention measures a part of the history, so that a run ends. */
const removedShare = 0.02

/** Reads through a board beside a long history, and removes the oldest part of it. */
export async function measureHistory(
  servers: { readonly redis: Service; readonly postgres: Service },
  { requests, collections, ...size }: HistoryOptions,
  report: (progress: string) => void,
): Promise<HistoryResult> {
  await using stack = new AsyncDisposableStack()
  const site = await openSite(stack, servers)
  const db = openPostgres({ use: 'migrations', url: site.databaseUrl, poolSize: 2, onError: () => undefined })
  stack.defer(() => db.destroy())
  await fillHistory(db, size, report)
  const password = 'a-password-of-the-bench'
  const { url } = await site.start('apps/board/src/main.ts', { BOARD_PORT: '0', BOARD_PASSWORD: password })
  const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` }
  const time = async (path: string): Promise<number> => {
    const startedAt = performance.now()
    const response = await fetch(`${url}${path}`, { headers })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return performance.now() - startedAt
  }
  const p95 = new Map<string, number>()
  for (const path of routes) {
    await time(path)
    const times: number[] = []
    for (let count = 0; count < requests; count += 1) times.push(await time(path))
    p95.set(path, percentile(times, 0.95))
    report(`history: ${path}`)
  }
  const times: number[] = []
  for (let count = 0; count <= collections; count += 1) {
    times.push(await time('/metrics'))
    await delay(collectEveryMs)
  }
  p95.set('/metrics', percentile(times.slice(1), 0.95))
  const keptDays = size.days * (1 - removedShare)
  const startedAt = performance.now()
  const before = Date.now() - keptDays * 86_400_000
  const removed = await runRetention(db, {
    keptDays: Math.floor(keptDays),
    before,
    signal: new AbortController().signal,
  })
  const seconds = (performance.now() - startedAt) / 1_000
  return { p95, removedPerSecond: removed.events / seconds }
}

function percentile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
