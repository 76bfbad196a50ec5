import { exitWhenIdle } from './exit-when-idle.ts'

/** How a process ends. */
export interface RunOptions {
  /** Time from the signal to the end; after that the process exits with 1. */
  readonly deadlineMs: number
  /** Called with every failure; by default, it is written to standard error. */
  readonly onError?: (error: unknown) => void
}

/**
 * Starts a process and runs it until SIGINT, SIGTERM or SIGHUP, then releases it and lets the event loop empty: a clean
 * stop exits with 0. `giveUp` lets the process stop itself with 1, so that a supervisor starts a new one. A failed start, a failed
 * stop, an uncaught error, a second signal and the deadline also exit with 1.
 */
export async function runUntilSignal(
  options: RunOptions,
  start: (giveUp: (error: Error) => void) => Promise<AsyncDisposable>,
): Promise<void> {
  const report = options.onError ?? reportToStderr
  const fail = (error: unknown): void => {
    report(error)
    process.exitCode = 1
  }
  const stop = Promise.withResolvers<void>()
  onSignal(stop.resolve)
  exitWhenIdle()
  const giveUp = (error: unknown): void => {
    fail(error)
    stop.resolve()
  }
  for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(name, giveUp)
  }
  const exitInTime = (): void => void setTimeout(() => process.exit(1), options.deadlineMs).unref()
  // This also ends a start that hangs.
  void stop.promise.then(exitInTime)
  try {
    const running = await start(giveUp)
    await stop.promise
    await running[Symbol.asyncDispose]()
  } catch (error) {
    fail(error)
    // A resource that failed to close must not keep a failed process alive.
    exitInTime()
  }
}

function onSignal(first: () => void): void {
  let seen = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      seen += 1
      if (seen > 1) process.exit(1)
      first()
    })
  }
}

function reportToStderr(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
}
