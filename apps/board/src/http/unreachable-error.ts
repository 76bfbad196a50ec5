import type { Service } from './find-unreachable.ts'

/** A service that the answer needs does not answer; the message names it. */
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

/** Which service an error tells of, if it tells of one: it may answer again by the time it is asked. */
export function unreachableIn(error: Error): Service | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.name === 'MaxRetriesPerRequestError' || redisMessages.test(error.message)) return 'Redis'
  if (postgresCodes.test(code) || postgresMessages.test(error.message)) return 'Postgres'
  return undefined
}

/** Of ioredis, and the replies of a Redis that starts, has lost its master, or is a replica since a failover. */
const redisMessages =
  /^(Command timed out|Connection is closed|Stream isn't writeable|LOADING |MASTERDOWN |READONLY |CLUSTERDOWN )/
/** Of pg, which gives connection errors of the socket as they are. */
const postgresMessages =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout)/
/** SQLSTATE classes 08 (connection), 53 (resources), 57P (shutdown), and those of sockets and names. */
const postgresCodes = /^(08...|53...|57P..|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
