import type { Logger } from './logger.ts'

/** Makes a listener for the errors of one place, for example `redis.on('error', report('redis connection'))`. */
type Report = (what: string, level?: 'warn' | 'error') => (error: unknown) => void

export interface ErrorReporter extends Report {
  /** Logs the counts that wait for their line, in one line; for the end of a process. */
  readonly flush: () => void
}

/**
 * Logs errors without flooding the log: the first of its kind at once, then one line a second at most, with the number of
 * errors it stands for. A Redis that is full or unreachable makes thousands of equal errors in a second (measured with
 * BullMQ 6.7). A kind is what failed and the error's code, else its class and message without numbers.
 */
export function createErrorReporter(log: Logger): ErrorReporter {
  const kinds = new Map<string, Kind>()
  // One error may reach several listeners: BullMQ's queues pass on those of their connection.
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
    if (waiting.length > 0) log.warn({ errors: waiting }, 'errors since their last line')
    for (const kind of kinds.values()) kind.repeated = 0
  }
  return Object.assign(report, { flush })
}

interface Kind {
  readonly write: (error: unknown, repeated: number) => void
  /** Errors since the last line. */
  repeated: number
  last: unknown
}

/** A little more than a second, so that two lines never have the same second in a log. */
const intervalMs = 1_050

/** In one second. With more, the place alone makes the kind. */
const maxKinds = 50

function startKind(kinds: Map<string, Kind>, name: string, write: Kind['write'], error: unknown): void {
  const kind: Kind = { write, repeated: 0, last: undefined }
  kinds.set(name, kind)
  write(error, 0)
  let writtenAt = performance.now()
  const look = (): void => {
    // A timer counts from the start of its turn of the event loop, and fires too early after a long one.
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

/** Ids, ports and times differ between errors of one kind. */
function withoutNumbers(message: string): string {
  return message.slice(0, 200).replaceAll(/[\da-f-]{8,}|\d+/gi, '#')
}
