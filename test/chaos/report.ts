import Table from 'cli-table3'
import type { ChaosResult, Episode } from './run-chaos.ts'

/** What happened to the events of one kind of fault. */
export interface ReportRow {
  readonly fault: string
  readonly times: number
  readonly sent: number
  readonly acked: number
  readonly refused: number
  /** The connection broke before the response. */
  readonly unknown: number
  readonly lost: number
  readonly doubled: number
  /** Undefined if the site did not recover every time. */
  readonly longestRecoveryMs: number | undefined
}

export function toRows({ episodes, load, verdict }: ChaosResult): readonly ReportRow[] {
  const starts = episodes.map(({ firstEvent }) => firstEvent)
  const ends = [...starts.slice(1), load.sent]
  const groups = Map.groupBy(
    episodes.map((episode, index) => ({ episode, from: starts[index] ?? 0, to: ends[index] ?? 0 })),
    ({ episode }) => episode.fault,
  )
  return [...groups].map(([fault, group]) => {
    const isHere = (n: number): boolean => group.some(({ from, to }) => n >= from && n < to)
    const numbers = group.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index))
    const acked = numbers.filter((n) => load.ackOf(n) !== undefined).length
    const refused = numbers.filter((n) => load.isRefused(n)).length
    return {
      fault,
      times: group.length,
      sent: numbers.length,
      acked,
      refused,
      unknown: numbers.length - acked - refused,
      lost: verdict.lost.filter(isHere).length,
      doubled: verdict.doubled.filter(isHere).length,
      longestRecoveryMs: longest(group.map(({ episode }) => episode)),
    }
  })
}

function longest(episodes: readonly Episode[]): number | undefined {
  const times = episodes.map(({ recoveryMs }) => recoveryMs ?? Number.POSITIVE_INFINITY)
  const most = Math.max(...times)
  return Number.isFinite(most) ? most : undefined
}

/** Whether the run found no problem. */
export function isClean({ verdict, episodes }: ChaosResult): boolean {
  const { lost, doubled, problems } = verdict
  const recovered = episodes.every(({ recoveryMs }) => recoveryMs !== undefined)
  return lost.length + doubled.length + problems.length === 0 && recovered
}

/** The whole report, as human-readable text. */
export function formatReport(result: ChaosResult): string {
  const { seed, rate, verdict, ends } = result
  const table = new Table({
    head: ['fault', 'times', 'events', 'acked', 'refused', 'unknown', 'lost', 'doubled', 'longest recovery'],
    colAligns: ['left', ...Array.from({ length: 8 }, () => 'right' as const)],
    style: { head: [], border: [] },
  })
  for (const { fault, longestRecoveryMs, ...counts } of toRows(result)) {
    const recovery = longestRecoveryMs === undefined ? 'never' : `${(longestRecoveryMs / 1_000).toFixed(1)} s`
    table.push([fault, ...Object.values(counts).map((count) => count.toLocaleString('en')), recovery])
  }
  return [
    table.toString(),
    `seed ${seed}, ${rate} events per second; ${verdict.recorded.toLocaleString('en')} events recorded, ${verdict.unexpected} of them never answered with 202`,
    ...describeEnds(ends),
    ...describeProblems(verdict.problems),
    isClean(result) ? 'no event lost or doubled, all state correct' : 'FAILED',
  ].join('\n')
}

/**
 * Unexpected exits are not failures, since a supervisor restarts the process, but unnecessary exits slow down recovery.
 */
function describeEnds(ends: readonly string[]): readonly string[] {
  const counts = Map.groupBy(ends, (line) => line)
  return [...counts].map(([line, times]) => `${times.length} ×: ${line}`)
}

const maxProblems = 20

function describeProblems(problems: readonly string[]): readonly string[] {
  if (problems.length === 0) return []
  const shown = problems.slice(0, maxProblems).map((problem) => `  ${problem.slice(0, 1_000)}`)
  return [`${problems.length} problems:`, ...shown]
}
