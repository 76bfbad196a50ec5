import { readdirSync, readFileSync } from 'node:fs'

// USER_HZ, the unit of the times in /proc, is 100 on Linux: man 5 proc.
const microsecondsPerTick = 10_000

/** The CPU time of a process and its children, including those that have ended, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  const own = readStat(pid)
  const living = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat.parent === pid)
  return own.ticks + own.endedChildrenTicks + living.reduce((sum, stat) => sum + stat.ticks, 0)
}

/** The resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

interface Stat {
  readonly parent: number
  readonly ticks: number
  readonly endedChildrenTicks: number
}

function readStat(pid: number): Stat {
  let text = ''
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // The process ended after it was listed.
  }
  // The program name in parentheses may contain anything, so fields are counted from after it (man 5 proc, field 3
  // onwards).
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const field = (number: number): number => fields[number - 3] ?? 0
  return {
    parent: field(4),
    ticks: (field(14) + field(15)) * microsecondsPerTick,
    endedChildrenTicks: (field(16) + field(17)) * microsecondsPerTick,
  }
}
