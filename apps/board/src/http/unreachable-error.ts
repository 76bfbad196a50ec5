import type { Service } from './find-unreachable.ts'

/** A required service is unavailable; the message names it. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

/** The error for these services. */
export function unreachable(services: readonly Service[]): UnreachableError {
  const [verb, subject] = services.length === 1 ? ['does', 'it is'] : ['do', 'they are']
  return new UnreachableError(
    `${services.join(' and ')} ${verb} not answer: check that ${subject} running and reachable from the board`,
  )
}

/** The service that an error is about, if any. It may respond again by the time it is checked. */
export function unreachableIn(error: Error): Service | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.name === 'MaxRetriesPerRequestError' || redisMessages.test(error.message)) return 'Redis'
  if (postgresCodes.test(code) || postgresMessages.test(error.message)) return 'Postgres'
  return undefined
}

/** Messages of ioredis, and replies of a Redis that is starting, has lost its master or has become a replica. */
const redisMessages =
  /^(Command timed out|Connection is closed|Stream isn't writeable|LOADING |MASTERDOWN |READONLY |CLUSTERDOWN )/
/** Messages of pg, which passes on socket errors unchanged. */
const postgresMessages =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout)/
/** SQLSTATE classes 08 (connection), 53 (resources), 57P (shutdown), and error codes of sockets and DNS. */
const postgresCodes = /^(08...|53...|57P..|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
