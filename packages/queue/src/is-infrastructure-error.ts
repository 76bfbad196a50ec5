/**
 * Whether an error is about a part of ours (Postgres, Redis, the way to them), not about the work that met it: then no
 * attempt is counted. Everything that Postgres raises is, but for what it says of the data itself: SQLSTATE classes 22
 * (data exception), 23 (integrity constraint) and 54 (program limit), by its manual, appendix A.
 */
export function isInfrastructureError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  if (isSqlState(error, code)) return !/^(22|23|54)/.test(code)
  // fetch() puts a peer's connection error into `cause`, so an error that carries such a code itself is of a client of ours.
  if (socketCodes.has(code) || redisNames.has(error.name) || ourNames.has(error.name)) return true
  if (driverMessages.test(error.message) || redisReplies.test(error.message)) return true
  return isSqlError(error.cause) && isInfrastructureError(error.cause)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Postgres's errors have a severity; a Node error's code can have five letters too: EPIPE. */
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

/** What `pg`, its pool, Kysely and PGlite say without a code. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (has encountered a connection error|was closed)|Query read timeout|Cannot use a pool after|driver has already been destroyed|PGlite is closed)/i

/** Replies of a Redis that can't serve, and what ioredis says of a connection that it has lost. */
const redisReplies =
  /^(OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN|UNBLOCKED|Ready check failed|Command aborted due to connection close|Connection is closed|Command timed out|Stream isn't writeable)/
