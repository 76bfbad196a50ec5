import { benchLatency } from './bench-latency.ts'
import { limitedCrms, measureCrmLimits, type CrmLimitsResult } from './rows/crm-limits.ts'
import { drainBacklog, ours, baseline, type DrainResult } from './rows/drain.ts'
import { measureHistory, type HistoryOptions } from './rows/history.ts'
import { measureTargets } from './rows/ingress.ts'
import { measureOwedWork, measureWaitingBytes, outbox, pendingRows, type OwedWorkResult } from './rows/owed-work.ts'
import { measureStandalone, type StandaloneOptions } from './rows/standalone.ts'
import type { Row } from './support/report.ts'
import { spreadOf } from './support/spread.ts'
import { startPostgres, startRedis } from './support/start-services.ts'

export interface BenchSizes {
  readonly rounds: number
  readonly floodSeconds: number
  /** Events that Warmhook drains, and those that the baseline drains, which is slow. */
  readonly oursEvents: number
  readonly baselineEvents: number
  readonly latencySeconds: number
  readonly backlogs: readonly number[]
  /** Events that are done, of which the question what is owed must not get slower. */
  readonly history: number
  /** What the board reads beside. */
  readonly stored: HistoryOptions
  readonly standalone: StandaloneOptions
}

export const fullSizes: BenchSizes = {
  rounds: 5,
  floodSeconds: 5,
  oursEvents: 100_000,
  baselineEvents: 3_000,
  latencySeconds: 15,
  backlogs: [1_000, 100_000, 1_000_000],
  history: 1_000_000,
  stored: { events: 10_000_000, mailboxes: 100_000, days: 90, requests: 200, collections: 20 },
  standalone: { events: 1_000_000, mailboxes: 20_000, days: 60, perSecond: 100, seconds: 30 },
}

/** A few minutes, with coarser figures. */
export const quickSizes: BenchSizes = {
  rounds: 2,
  floodSeconds: 2,
  oursEvents: 20_000,
  baselineEvents: 1_000,
  latencySeconds: 5,
  backlogs: [1_000, 20_000],
  history: 100_000,
  stored: { events: 200_000, mailboxes: 10_000, days: 90, requests: 50, collections: 2 },
  standalone: { events: 100_000, mailboxes: 5_000, days: 60, perSecond: 100, seconds: 10 },
}

export type BenchName = 'ingress' | 'pipeline' | 'latency' | 'owed' | 'growth' | 'history' | 'standalone' | 'crm'

type Bench = (sizes: BenchSizes, report: (progress: string) => void) => Promise<readonly Row[]>

/** Every group of rows by its name on the command line. */
export const benches: Readonly<Record<BenchName, Bench>> = {
  ingress: benchIngress,
  pipeline: benchPipeline,
  latency: benchLatency,
  owed: benchOwedWork,
  growth: benchGrowth,
  history: benchHistory,
  standalone: benchStandalone,
  crm: benchCrm,
}

async function benchIngress({ rounds, floodSeconds }: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  const results = await measureTargets(rounds, { seconds: floodSeconds, connections: 64 }, (round) =>
    report(`ingress: round ${round} of ${rounds}`),
  )
  const group = 'ingress'
  const unit = 'requests/s'
  const ratio = (what: string, of: (result: (typeof results)[number]) => number, atLeast?: number): Row => ({
    group,
    what,
    unit: '×',
    figures: spreadOf(results.map(of)),
    ...(atLeast === undefined ? {} : { target: { atLeast } }),
  })
  return [
    { group, what: 'bare Hono', unit, figures: spreadOf(results.map((result) => result.bare)) },
    { group, what: 'Hono that waits for Redis', unit, figures: spreadOf(results.map((result) => result.waiting)) },
    { group, what: 'ours', unit, figures: spreadOf(results.map((result) => result.ours)) },
    {
      group,
      what: 'ours, 10,000 owners',
      unit,
      figures: spreadOf(results.map((result) => result['ours, 10,000 owners'])),
    },
    { group, what: 'the baseline', unit, figures: spreadOf(results.map((result) => result.baseline)) },
    {
      group,
      what: 'ours, fsync always',
      unit,
      figures: spreadOf(results.map((result) => result['ours, fsync always'])),
    },
    ratio('ours / bare Hono', (result) => result.ours / result.bare, 0.85),
    ratio('ours, 10,000 owners / ours', (result) => result['ours, 10,000 owners'] / result.ours, 0.95),
    ratio('Hono that waits for Redis / bare Hono', (result) => result.waiting / result.bare),
    ratio('ours / the baseline', (result) => result.ours / result.baseline, 3),
    ratio('ours, fsync always / the baseline', (result) => result['ours, fsync always'] / result.baseline, 2),
  ]
}

async function benchPipeline(sizes: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
  const pairs: { readonly ours: DrainResult; readonly baseline: DrainResult }[] = []
  for (let round = 1; round <= sizes.rounds; round += 1) {
    pairs.push({
      ours: await drainBacklog(servers, ours, sizes.oursEvents),
      baseline: await drainBacklog(servers, baseline, sizes.baselineEvents),
    })
    report(`end to end: round ${round} of ${sizes.rounds}`)
  }
  const spread = (of: (pair: (typeof pairs)[number]) => number) => spreadOf(pairs.map(of))
  const speed = { group: 'end to end', unit: 'events/s' }
  const cost = { group: 'cost', unit: 'µs CPU/event' }
  return [
    { ...speed, what: 'ours', figures: spread((pair) => pair.ours.perSecond), target: { atLeast: 10_000 } },
    { ...speed, what: 'the baseline', figures: spread((pair) => pair.baseline.perSecond) },
    {
      ...speed,
      what: 'ours / the baseline',
      unit: '×',
      figures: spread((pair) => pair.ours.perSecond / pair.baseline.perSecond),
      target: { atLeast: 10 },
    },
    { ...cost, what: 'ingress', figures: spread((pair) => pair.ours.cpu.ingress) },
    { ...cost, what: 'worker', figures: spread((pair) => pair.ours.cpu.worker) },
    { ...cost, what: 'Redis, while draining', figures: spread((pair) => pair.ours.cpu.redis) },
    { ...cost, what: 'Postgres', figures: spread((pair) => pair.ours.cpu.postgres) },
    {
      group: 'cost',
      what: 'Redis, waiting',
      unit: 'bytes/event',
      figures: spread((pair) => pair.ours.redisBytesPerWaitingEvent),
      target: { atMost: 700 },
    },
  ]
}

async function benchOwedWork(sizes: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
  const size = { events: sizes.oursEvents / 2, history: sizes.history }
  const rounds: { readonly outbox: OwedWorkResult; readonly pending: OwedWorkResult; readonly bytes: number }[] = []
  for (let round = 1; round <= sizes.rounds; round += 1) {
    rounds.push({
      outbox: await measureOwedWork(servers.postgres, outbox, size),
      pending: await measureOwedWork(servers.postgres, pendingRows, size),
      bytes: await measureWaitingBytes(servers.redis, 100_000, 100),
    })
    report(`what is owed: round ${round} of ${sizes.rounds}`)
  }
  const rowsOf = (way: 'outbox' | 'pending', group: string): Row[] => {
    const spread = (of: (result: OwedWorkResult) => number) => spreadOf(rounds.map((round) => of(round[way])))
    return [
      { group, what: 'routed and done', unit: 'events/s', figures: spread((result) => result.perSecond) },
      { group, what: 'WAL', unit: 'bytes/event', figures: spread((result) => result.walBytesPerEvent) },
      { group, what: 'tables', unit: 'bytes/event', figures: spread((result) => result.tableBytesPerEvent) },
      { group, what: 'what is owed, after a long time', unit: 'ms', figures: spread((result) => result.countOwedMs) },
    ]
  }
  return [
    ...rowsOf('outbox', 'owed: outbox'),
    ...rowsOf('pending', 'owed: pending rows'),
    {
      group: 'owed: Redis',
      what: "an event in a handler's queue",
      unit: 'bytes/event',
      figures: spreadOf(rounds.map(({ bytes }) => bytes)),
      target: { atMost: 60 },
    },
  ]
}

async function benchGrowth(sizes: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
  const rows: Row[] = []
  const measure = async (what: string, events: number, workers: number): Promise<void> => {
    const result = await drainBacklog(servers, ours, events, workers)
    const { cpu, memory } = result
    const once = (figure: number) => spreadOf([figure])
    rows.push(
      { group: what, what: 'speed', unit: 'events/s', figures: once(result.perSecond) },
      {
        group: what,
        what: 'all processes',
        unit: 'µs CPU/event',
        figures: once(cpu.worker + cpu.redis + cpu.postgres),
      },
      ...(['ingress', 'worker'] as const).flatMap((name) =>
        (['early', 'peak'] as const).map((when) => ({
          group: what,
          what: `memory of ${name}, ${when}`,
          unit: 'MiB',
          figures: once(memory[name][when] / 2 ** 20),
        })),
      ),
    )
    report(`growth: ${what}`)
  }
  for (const workers of [1, 2, 4]) await measure(`${workers} worker processes`, sizes.oursEvents, workers)
  for (const backlog of sizes.backlogs) await measure(`backlog of ${backlog.toLocaleString('en')}`, backlog, 1)
  return rows
}

async function benchHistory({ stored }: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
  const { p95, removedPerSecond } = await measureHistory(servers, stored, report)
  const group = `${stored.events.toLocaleString('en')} events stored`
  return [
    ...[...p95].map(([path, ms]) => ({
      group,
      what: `${path} p95`,
      unit: 'ms',
      figures: spreadOf([ms]),
      target: { atMost: 50 },
    })),
    { group, what: 'retention', unit: 'events/s', figures: spreadOf([removedPerSecond]) },
  ]
}

async function benchStandalone({ standalone }: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  const { closed, open, reads } = await measureStandalone(standalone, report)
  const group = `npm start, ${standalone.events.toLocaleString('en')} events stored`
  const row = (what: string, ms: number): Row => ({ group, what, unit: 'ms', figures: spreadOf([ms]) })
  return [
    row('ack p99, dashboard closed', closed.p99),
    row('slowest ack, dashboard closed', closed.max),
    row('ack p99, dashboard open', open.p99),
    row('slowest ack, dashboard open', open.max),
    { ...row('slowest ack, open - closed', open.max - closed.max), target: { atMost: 20 } },
    { group, what: 'reads of the dashboard', unit: '/s', figures: spreadOf([reads / standalone.seconds]) },
  ]
}

async function benchCrm(_sizes: BenchSizes, report: (progress: string) => void): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
  const rows: Row[] = []
  for (const crm of limitedCrms) {
    const result = await measureCrmLimits(servers, crm)
    report(`crm: ${crm.what}`)
    const row = (what: string, of: keyof CrmLimitsResult, unit: string, factor = 1): Row => ({
      group: crm.what,
      what,
      unit,
      figures: spreadOf([result[of] * factor]),
    })
    rows.push(
      row('calls', 'calls', 'calls'),
      { ...row('calls beyond the budget', 'refusedShare', '%', 100), target: { atMost: 1 } },
      { ...row('calls / the least possible', 'ofMinimum', '×'), target: { atMost: 1.2 } },
      ...(Number.isNaN(result.usedShare)
        ? []
        : [{ ...row('budget used', 'usedShare', '%', 100), target: { atLeast: 90 } }]),
      row('until everything is written', 'seconds', 's'),
    )
  }
  return rows
}
