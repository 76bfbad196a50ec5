/**
 * Whether an error comes from infrastructure (Postgres, Redis, the network to them) rather than from the work. If
 * so, no attempt is counted. This includes all Postgres errors except those about the data: SQLSTATE classes 22 (data
 * exception), 23 (integrity constraint) and 54 (program limit); see the Postgres manual, appendix A.
 */
export function isInfrastructureError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  if (isSqlState(error, code)) return !/^(22|23|54)/.test(code)
  // fetch() puts a peer's connection error into `cause`, so a code on the error itself is from Postgres or Redis.
  if (socketCodes.has(code) || redisNames.has(error.name) || ourNames.has(error.name)) return true
  if (driverMessages.test(error.message) || redisReplies.test(error.message)) return true
  return isSqlError(error.cause) && isInfrastructureError(error.cause)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Postgres errors have a severity. Some Node error codes also have five letters: EPIPE. */
function isSqlState(error: Error, code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && ('severity' in error || /\d/.test(code))
}

function isSqlError(cause: unknown): boolean {
  return cause instanceof Error && isSqlState(cause, codeOf(cause))
}

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

const redisNames = new Set(['MaxRetriesPerRequestError', 'ClusterAllFailedError'])
const ourNames = new Set(['UnavailableError', 'EnqueueError'])

/** Messages of `pg`, its pool, Kysely and PGlite that come without a code. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (has encountered a connection error|was closed)|Query read timeout|Cannot use a pool after|driver has already been destroyed|PGlite is closed)/i

/** Error replies of a Redis that cannot serve requests, and ioredis's messages about lost connections. */
const redisReplies =
  /^(OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN|UNBLOCKED|Ready check failed|Command aborted due to connection close|Connection is closed|Command timed out|Stream isn't writeable)/
