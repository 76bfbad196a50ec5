import { inspect } from 'node:util'
import { pino } from 'pino'
import { createErrorReporter } from './create-error-reporter.ts'
import { createLogger, type Logger } from './logger.ts'

/** Where a process logs: standard output, or standard error if its standard output is for people. */
export type LogStream = 'stdout' | 'stderr'

/**
 * The logger of a whole process, at level `info` until its settings are known. From then on, Node's warnings and
 * the console output of libraries (BullMQ, ioredis, Hono) are log lines as well. Call it once, at the start of `main.ts`.
 */
export function createProcessLogger(service: string, stream: LogStream = 'stdout'): Logger {
  // Synchronous, so that the last line before an exit is not lost.
  const log = createLogger(service, 'info', pino.destination({ fd: stream === 'stdout' ? 1 : 2, sync: true }))
  const report = createErrorReporter(log)
  // Node's default listener prints warnings as text.
  process.removeAllListeners('warning')
  process.on('warning', report('process warning'))
  const onConsole = report('console')
  for (const method of ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const)
    console[method] = (...args: readonly unknown[]) => onConsole(args.map(toText).join(' '))
  process.once('exit', () => report.flush())
  return log
}

/** Logs why a process exits. A message of several lines, such as one about invalid settings, becomes one line. */
export function reportFatal(log: Logger): (error: unknown) => void {
  return (err) => log.fatal({ err }, err instanceof Error ? err.message : String(err))
}

function toText(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'string' ? value : inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY })
}
