import { randomUUID } from 'node:crypto'
import { CrmCallError } from '@warmhook/crm/crm-provider'
import { CursorError } from '@warmhook/store/page'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { BoardDeps } from '../board-deps.ts'
import { findUnreachable } from './find-unreachable.ts'
import { problem } from './problem.ts'
import { unreachable, UnreachableError, unreachableIn } from './unreachable-error.ts'

/** Turns a thrown error into an answer. Unexpected errors are logged under a request id, and only the id is shown. */
export async function answerError(
  error: Error,
  c: Context,
  { log, ...services }: Pick<BoardDeps, 'log' | 'redis' | 'db'>,
): Promise<Response> {
  if (error instanceof CursorError) return problem(c, 400, error.message)
  if (error instanceof HTTPException) {
    const response = await problem(c, error.status, error.message || 'The request was rejected')
    const challenge = error.getResponse().headers.get('www-authenticate')
    if (challenge !== null) response.headers.set('www-authenticate', challenge)
    return response
  }
  if (error instanceof CrmCallError) return problem(c, 502, error.message, { waitMs: error.waitMs })
  if (error instanceof UnreachableError) return unavailable(c, error)
  const silent = await findUnreachable(services)
  const told = unreachableIn(error)
  if (silent.length > 0) return unavailable(c, unreachable(silent))
  if (told !== undefined) return unavailable(c, unreachable([told]))
  const requestId = randomUUID()
  log.error({ err: error, requestId }, 'request failed')
  return problem(c, 500, `Internal error; see the log for request id ${requestId}`, { requestId })
}

async function unavailable(c: Context, { message }: UnreachableError): Promise<Response> {
  const response = await problem(c, 503, message)
  response.headers.set('retry-after', '5')
  return response
}
