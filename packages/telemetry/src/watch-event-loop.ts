import type { Logger } from './logger.ts'

export interface EventLoopWatchOptions {
  /** A longer pause is told of. */
  readonly maxMs: number
  /** Told how long the loop stood still. Meanwhile no request was answered and no lock renewed. */
  readonly onBlocked: (pauseMs: number) => void
}

/** Tells of pauses of this process's event loop until it is disposed. */
export function watchEventLoop({ maxMs, onBlocked }: EventLoopWatchOptions): Disposable {
  const intervalMs = maxMs / 2
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const pauseMs = now - last - intervalMs
    last = now
    if (pauseMs > maxMs) onBlocked(pauseMs)
  }, intervalMs)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Warns of pauses for as long as the process lives. A worker that stands still for longer than its lock has its jobs taken over. */
export function warnOfBlockedLoop(log: Logger): void {
  watchEventLoop({
    maxMs: 1_000,
    onBlocked: (pauseMs) => log.warn({ pauseMs: Math.round(pauseMs) }, 'the event loop stood still'),
  })
}
