import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger } from 'pino'

/** JSON lines on standard output. Fields that could contain personal data or secrets are redacted by name, up to this depth. */
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

/** Deeper causes add little. */
const maxCauses = 4

/** Other fields of an error can contain the payload of a query or request, so only these are logged. */
function toLoggedError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  return { ...toSummary(error, maxCauses), stack: error.stack }
}

function toSummary(error: Error, causes: number): Record<string, unknown> {
  const code = 'code' in error ? error.code : undefined
  const { cause } = error
  return {
    type: error.name,
    message: messageOf(error),
    ...(code === undefined ? {} : { code }),
    ...(cause instanceof Error && causes > 0 ? { cause: toSummary(cause, causes - 1) } : {}),
  }
}

/** If every address of a host refuses the connection, the messages are inside Node's `AggregateError`. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors.map((inner: unknown) => (inner instanceof Error ? inner.message : String(inner))).join('; ')
}
