import type { Logger } from './logger.ts'

export interface EventLoopWatchOptions {
  /** Longer pauses are reported. */
  readonly maxMs: number
  /** Called with the duration. In the meantime no request was answered and no lock renewed. */
  readonly onBlocked: (pauseMs: number) => void
}

/** Reports when this process's event loop was blocked, until disposed. */
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

/** Logs a warning when the event loop was blocked. If a worker is blocked for longer than its lock, other workers take over its jobs. */
export function warnOfBlockedLoop(log: Logger): void {
  watchEventLoop({
    maxMs: 1_000,
    onBlocked: (pauseMs) => log.warn({ pauseMs: Math.round(pauseMs) }, 'the event loop was blocked'),
  })
}
