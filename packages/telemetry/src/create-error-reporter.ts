import type { Logger } from './logger.ts'

/** Creates a listener for the errors of one source, as in `redis.on('error', report('redis connection'))`. */
type Report = (what: string, level?: 'warn' | 'error') => (error: unknown) => void

export interface ErrorReporter extends Report {
  /** Logs all pending counts in one line; call it before the process ends. */
  readonly flush: () => void
}

/**
 * Logs errors without flooding the log: the first of its kind immediately, then at most one line per second with the number of
 * errors. A Redis that is full or unreachable causes thousands of identical errors per second (measured with BullMQ 6.7). The kind
 * is given by what failed and the error's code, or its class and its message without numbers.
 */
export function createErrorReporter(log: Logger): ErrorReporter {
  const kinds = new Map<string, Kind>()
  // One error may reach several listeners: BullMQ's queues forward the errors of their connection.
  const firstPlace = new WeakMap<Error, string>()
  const report: Report = (what, level = 'warn') => {
    const write: Kind['write'] = (err, repeated) => log[level]({ err, ...(repeated > 0 ? { repeated } : {}) }, what)
    return (error) => {
      if (error instanceof Error) {
        const place = firstPlace.get(error)
        if (place !== undefined && place !== what) return
        firstPlace.set(error, what)
      }
      const own = `${what}: ${kindOf(error, 3)}`
      const name = kinds.has(own) || kinds.size < maxKinds ? own : what
      const known = kinds.get(name)
      if (known === undefined) return startKind(kinds, name, write, error)
      known.repeated += 1
      known.last = error
    }
  }
  const flush = (): void => {
    const waiting = [...kinds]
      .filter(([, kind]) => kind.repeated > 0)
      .map(([kind, { repeated }]) => ({ kind, repeated }))
    if (waiting.length > 0) log.warn({ errors: waiting }, 'repeated errors')
    for (const kind of kinds.values()) kind.repeated = 0
  }
  return Object.assign(report, { flush })
}

interface Kind {
  readonly write: (error: unknown, repeated: number) => void
  /** Errors since the last log line. */
  repeated: number
  last: unknown
}

/** Slightly more than a second, so that two lines never show the same second. */
const intervalMs = 1_050

/** Per second. With more, the source alone determines the kind. */
const maxKinds = 50

function startKind(kinds: Map<string, Kind>, name: string, write: Kind['write'], error: unknown): void {
  const kind: Kind = { write, repeated: 0, last: undefined }
  kinds.set(name, kind)
  write(error, 0)
  let writtenAt = performance.now()
  const look = (): void => {
    // A timer counts from the start of its event loop iteration, so it fires too early after a long one.
    const early = writtenAt + intervalMs - performance.now()
    if (early > 0) return void setTimeout(look, early).unref()
    if (kind.repeated === 0) return void kinds.delete(name)
    write(kind.last, kind.repeated)
    writtenAt = performance.now()
    kind.repeated = 0
    kind.last = undefined
    setTimeout(look, intervalMs).unref()
  }
  setTimeout(look, intervalMs).unref()
}

function kindOf(error: unknown, causes: number): string {
  if (!(error instanceof Error)) return withoutNumbers(String(error))
  const code = 'code' in error && typeof error.code === 'string' ? error.code : withoutNumbers(error.message)
  const cause = error.cause === undefined || causes === 0 ? '' : ` (${kindOf(error.cause, causes - 1)})`
  return `${error.name} ${code}${cause}`
}

/** Ids, ports and times differ between errors of the same kind. */
function withoutNumbers(message: string): string {
  return message.slice(0, 200).replaceAll(/[\da-f-]{8,}|\d+/gi, '#')
}
