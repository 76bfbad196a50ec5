import { baseline, ours } from './rows/drain.ts'
import { measureLatency, type LatencyResult } from './rows/latency.ts'
import type { Row } from './support/report.ts'
import { spreadOf } from './support/spread.ts'
import { startPostgres, startRedis } from './support/start-services.ts'

type Figure = (result: LatencyResult) => number

/** Acknowledgements and outcomes at steady rates, with the baseline beside them. */
export async function benchLatency(
  { rounds, latencySeconds }: { readonly rounds: number; readonly latencySeconds: number },
  report: (progress: string) => void,
): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
  const rows: Row[] = []
  for (const { perSecond, crmDelayMs, baselineFollows, targets } of latencyLoads) {
    const load = { perSecond, crmDelayMs, seconds: latencySeconds }
    const group = `${perSecond.toLocaleString('en')}/s offered, CRM ${crmDelayMs} ms`
    const measured: LatencyResult[] = []
    const beside: LatencyResult[] = []
    for (let round = 1; round <= rounds; round += 1) {
      measured.push(await measureLatency(servers, ours, load))
      if (baselineFollows) beside.push(await measureLatency(servers, baseline, load))
      report(`latency at ${perSecond}/s: round ${round} of ${rounds}`)
    }
    const row = (what: string, results: readonly LatencyResult[], of: Figure, unit = 'ms'): Row => ({
      group,
      what,
      unit,
      figures: spreadOf(results.map(of)),
    })
    const pair = (what: string, of: Figure, atMost?: number, unit?: string): readonly Row[] => [
      { ...row(what, measured, of, unit), ...(atMost === undefined ? {} : { target: { atMost } }) },
      ...(baselineFollows ? [row(`… baseline: ${what}`, beside, of, unit)] : []),
    ]
    rows.push(
      ...pair('ack p50', ({ ack }) => ack.p50, targets.ackP50),
      ...pair('ack p99', ({ ack }) => ack.p99, targets.ackP99),
      row('ack p99.9', measured, ({ ack }) => ack.p999),
      ...pair('ack to last outcome p50', ({ outcome }) => outcome.p50, targets.outcomeP50),
      ...pair('ack to last outcome p99', ({ outcome }) => outcome.p99, targets.outcomeP99),
      ...pair('all processes', ({ cpu }) => cpu.all, targets.cpu, 'µs CPU/event'),
    )
  }
  return rows
}

/** The CRM's delay is part of every outcome; one event at a time shows what is our own. */
const latencyLoads: readonly {
  readonly perSecond: number
  readonly crmDelayMs: number
  /** Whether the baseline works off the load within minutes. */
  readonly baselineFollows: boolean
  readonly targets: {
    readonly ackP50?: number
    readonly ackP99?: number
    readonly outcomeP50?: number
    readonly outcomeP99?: number
    readonly cpu?: number
  }
}[] = [
  { perSecond: 5, crmDelayMs: 0, baselineFollows: true, targets: { ackP50: 3, outcomeP50: 20 } },
  { perSecond: 100, crmDelayMs: 50, baselineFollows: true, targets: {} },
  { perSecond: 1_000, crmDelayMs: 50, baselineFollows: true, targets: { ackP99: 10, outcomeP99: 150, cpu: 500 } },
  { perSecond: 5_000, crmDelayMs: 50, baselineFollows: false, targets: { outcomeP99: 500 } },
]
