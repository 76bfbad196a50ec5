import type { Logger } from './logger.ts'

/** Makes a listener for the errors of one place, for example `redis.on('error', report('redis connection'))`. */
type Report = (what: string, level?: 'warn' | 'error') => (error: unknown) => void

export interface ErrorReporter extends Report {
  /** Logs the counts that wait for their line. */
  readonly flush: () => void
}

/**
 * Logs errors without flooding the log: the first of its kind at once, then one line a second at most, with the number of
 * errors it stands for. A Redis that is full or unreachable makes thousands of equal errors in a second (measured with
 * BullMQ 6.7). A kind is what failed and the error's code, else its class and message without numbers.
 */
export function createErrorReporter(log: Logger): ErrorReporter {
  const kinds = new Map<string, Kind>()
  const start = (name: string, write: Kind['write'], error: unknown): void => {
    const kind: Kind = { write, repeated: 0, last: undefined }
    kinds.set(name, kind)
    write(error, 0)
    const look = (): void => {
      if (kind.repeated === 0) return void kinds.delete(name)
      writeCount(kind)
      setTimeout(look, intervalMs).unref()
    }
    setTimeout(look, intervalMs).unref()
  }
  const report: Report = (what, level = 'warn') => {
    const write: Kind['write'] = (err, repeated) => log[level]({ err, ...(repeated > 0 ? { repeated } : {}) }, what)
    return (error) => {
      const own = `${what} ${kindOf(error, 3)}`
      const name = kinds.has(own) || kinds.size < maxKinds ? own : what
      const known = kinds.get(name)
      if (known === undefined) return start(name, write, error)
      known.repeated += 1
      known.last = error
    }
  }
  return Object.assign(report, { flush: () => kinds.forEach(writeCount) })
}

interface Kind {
  readonly write: (error: unknown, repeated: number) => void
  /** Errors since the last line. */
  repeated: number
  last: unknown
}

const intervalMs = 1_000

/** In one second. With more, the place alone makes the kind. */
const maxKinds = 50

function writeCount(kind: Kind): void {
  if (kind.repeated === 0) return
  kind.write(kind.last, kind.repeated)
  kind.repeated = 0
  kind.last = undefined
}

function kindOf(error: unknown, causes: number): string {
  if (!(error instanceof Error)) return withoutNumbers(String(error))
  const code = 'code' in error && typeof error.code === 'string' ? error.code : withoutNumbers(error.message)
  const cause = error.cause === undefined || causes === 0 ? '' : ` ${kindOf(error.cause, causes - 1)}`
  return `${error.name} ${code}${cause}`
}

/** Ids, ports and times differ between errors of one kind. */
function withoutNumbers(message: string): string {
  return message.slice(0, 200).replaceAll(/[\da-f-]{8,}|\d+/gi, '#')
}
