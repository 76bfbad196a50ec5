import type { EpochReport, IngressReport, SpoolReport } from '@warmhook/schema/ingress-report'
import type { NumberRange } from '@warmhook/schema/number-ranges'
import type { EnvelopeNumbers } from './number-envelopes.ts'
import type { TrackedSpool } from './spool/take-spool.ts'

export interface ReportingDeps {
  readonly numbers: EnvelopeNumbers
  /** Undefined while this process has no spool. */
  readonly spool: () => Pick<TrackedSpool, 'id' | 'turn' | 'ranges'> | undefined
  /** Sends reports that are of one moment, together. */
  readonly send: (reports: readonly IngressReport[]) => Promise<void>
  readonly onError: (error: unknown) => void
  readonly now: () => number
}

export interface Reporting extends AsyncDisposable {
  /** Something is to be reported: soon, and together with what follows. */
  touch(): void
}

const gatherMs = 100
/** Redis may have been wiped meanwhile. */
const repeatMs = 2_000

/**
 * Reports what this process has answered for, so that the ledger can tell what is missing. It happens beside the
 * requests; what was acknowledged after the last report of a killed process is counted where it is found.
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

/** More than one process ever makes: thirteen years of ten a second. */
const versionsPerTurn = 2 ** 32

function toPairs(ranges: readonly NumberRange[]): [number, number][] {
  return ranges.map(({ first, last }) => [first, last])
}
