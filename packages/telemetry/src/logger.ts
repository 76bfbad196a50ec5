import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger } from 'pino'

/** JSON lines on standard output. What could hold a person's data or a secret is removed by name, at any of these depths. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      base: { service, pid: process.pid },
      level,
      redact: { paths: sensitive.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
      serializers: { err: toLoggedError },
    },
    destination,
  )
}

const sensitive = [
  'body',
  'email',
  'firstName',
  'lastName',
  'meta',
  'profile',
  'key',
  'password',
  'token',
  'authorization',
]

/** An error's own fields can carry the payload of a query or a request, so only these are logged. */
function toLoggedError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = 'code' in error ? error.code : undefined
  return { type: error.name, message: error.message, ...(code === undefined ? {} : { code }), stack: error.stack }
}
