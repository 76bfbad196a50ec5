type Line = Readonly<Record<string, unknown>>

/** The lines of a log that are JSON objects. */
export function parseLines(output: string): readonly Line[] {
  return linesOf(output)
    .map(parseLine)
    .filter((line) => line !== undefined)
}

/** The faults in a log: lines that are not JSON, and kinds of lines logged more than once per second. */
export function findFaults(output: string): readonly string[] {
  const text = linesOf(output).filter((line) => parseLine(line) === undefined)
  return [...text.map((line) => `not JSON: ${line}`), ...findFloods(parseLines(output))]
}

function linesOf(output: string): readonly string[] {
  return output.split('\n').filter((line) => line !== '')
}

function parseLine(line: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Warnings and errors are of the same kind if message, error class and error code are the same. */
function findFloods(lines: readonly Line[]): readonly string[] {
  const lastAt = new Map<string, number>()
  const floods: string[] = []
  for (const { level, msg, time, err } of lines) {
    if (Number(level) < 40) continue
    const { type, code } = { type: undefined, code: undefined, ...(err as object | undefined) }
    const kind = [msg, type, code].join(' · ')
    const interval = Number(time) - (lastAt.get(kind) ?? Number.NEGATIVE_INFINITY)
    if (interval < 1_000) floods.push(`after ${interval} ms: ${kind}`)
    lastAt.set(kind, Number(time))
  }
  return floods
}
