import { baseline, ours } from './rows/drain.ts'
import { measureLatency, type LatencyResult } from './rows/latency.ts'
import type { Row } from './support/report.ts'
import { spreadOf } from './support/spread.ts'
import { startPostgres, startRedis } from './support/start-services.ts'

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
    const results: { readonly ours: LatencyResult; readonly baseline: LatencyResult | undefined }[] = []
    for (let round = 1; round <= rounds; round += 1) {
      results.push({
        ours: await measureLatency(servers, ours, load),
        baseline: baselineFollows ? await measureLatency(servers, baseline, load) : undefined,
      })
      report(`latency at ${perSecond}/s: round ${round} of ${rounds}`)
    }
    const group = `${perSecond.toLocaleString('en')}/s offered, CRM ${crmDelayMs} ms`
    const row = (what: string, of: (result: LatencyResult) => number, atMost?: number, unit = 'ms'): Row => ({
      group,
      what,
      unit,
      figures: spreadOf(results.map((result) => of(result.ours))),
      ...(atMost === undefined ? {} : { target: { atMost } }),
    })
    const beside = (what: string, of: (result: LatencyResult) => number, unit = 'ms'): readonly Row[] =>
      baselineFollows
        ? [
            {
              group,
              what: `… baseline: ${what}`,
              unit,
              figures: spreadOf(results.flatMap((it) => it.baseline ?? []).map(of)),
            },
          ]
        : []
    const costUnit = 'µs CPU/event'
    rows.push(
      row('ack p50', ({ ack }) => ack.p50, targets.ackP50),
      ...beside('ack p50', ({ ack }) => ack.p50),
      row('ack p99', ({ ack }) => ack.p99, targets.ackP99),
      ...beside('ack p99', ({ ack }) => ack.p99),
      row('ack p99.9', ({ ack }) => ack.p999),
      row('ack to last outcome p50', ({ outcome }) => outcome.p50, targets.outcomeP50),
      ...beside('ack to last outcome p50', ({ outcome }) => outcome.p50),
      row('ack to last outcome p99', ({ outcome }) => outcome.p99, targets.outcomeP99),
      ...beside('ack to last outcome p99', ({ outcome }) => outcome.p99),
      row('all processes', ({ cpu }) => cpu.all, targets.cpu, costUnit),
      ...beside('all processes', ({ cpu }) => cpu.all, costUnit),
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
