import type { EpochReport, IngressReport, SpoolReport } from '@warmhook/schema/ingress-report'
import type { NumberRange } from '@warmhook/schema/number-ranges'
import type { EnvelopeNumbers } from './number-envelopes.ts'
import type { TrackedSpool } from './spool/take-spool.ts'

export interface ReportingDeps {
  readonly numbers: EnvelopeNumbers
  /** Undefined while this process has no spool. */
  readonly spool: () => Pick<TrackedSpool, 'id' | 'turn' | 'ranges'> | undefined
  /** Sends reports taken at the same moment as one update. */
  readonly send: (reports: readonly IngressReport[]) => Promise<void>
  readonly onError: (error: unknown) => void
  readonly now: () => number
}

export interface Reporting extends AsyncDisposable {
  /** Schedules a report; calls in quick succession share one. */
  touch(): void
}

const gatherMs = 100
/** Repeated in case Redis has lost its data. */
const repeatMs = 2_000

/**
 * Reports which envelopes this process has acknowledged, so that the ledger can detect missing ones. Requests do not
 * wait for it. Envelopes acknowledged after the last report of a killed process are counted where they are found.
 */
export function startReporting(deps: ReportingDeps): Reporting {
  const startedAt = deps.now()
  let version = 0
  let sending: Promise<void> | undefined
  let soon: NodeJS.Timeout | undefined
  const report = async (): Promise<void> => {
    clearTimeout(soon)
    soon = undefined
    await sending
    version += 1
    sending = deps.send(toReports(deps, startedAt, version)).catch(deps.onError)
    await sending
    sending = undefined
  }
  const repeat = setInterval(() => void report(), repeatMs)
  repeat.unref()
  return {
    touch() {
      soon ??= setTimeout(() => void report(), gatherMs).unref()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(repeat)
      await report()
    },
  }
}

function toReports(deps: ReportingDeps, startedAt: number, version: number): readonly IngressReport[] {
  const reportedAt = deps.now()
  const spool = deps.spool()
  const { epoch, settled, refused } = deps.numbers
  const own: EpochReport = {
    kind: 'epoch',
    name: epoch,
    version,
    startedAt,
    reportedAt,
    settled,
    void: toPairs(refused),
  }
  return spool === undefined ? [own] : [own, toSpoolReport(spool, reportedAt, version)]
}

function toSpoolReport(
  { id, turn, ranges }: Pick<TrackedSpool, 'id' | 'turn' | 'ranges'>,
  reportedAt: number,
  version: number,
): SpoolReport {
  return {
    kind: 'spool',
    name: id,
    version: turn * versionsPerTurn + version,
    reportedAt,
    ranges: Object.fromEntries([...ranges.byEpoch()].map(([epoch, list]) => [epoch, toPairs(list)])),
  }
}

/** More than one process ever sends: ten per second for thirteen years. */
const versionsPerTurn = 2 ** 32

function toPairs(ranges: readonly NumberRange[]): [number, number][] {
  return ranges.map(({ first, last }) => [first, last])
}
