import { randomUUID } from 'node:crypto'
import { CursorError } from '@warmhook/store/page'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { BoardDeps } from './board-deps.ts'

/** Problem details (RFC 9457). */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
): Response {
  return c.body(JSON.stringify({ status, detail, ...more }), status, { 'content-type': 'application/problem+json' })
}

/** Answers for what a route threw. What nobody foresaw is logged under an id, and only the id is shown. */
export async function answerError(
  error: Error,
  c: Context,
  { log, findAway }: Pick<BoardDeps, 'log' | 'findAway'>,
): Promise<Response> {
  if (error instanceof CursorError) return problem(c, 400, error.message)
  if (error instanceof HTTPException) {
    const response = problem(c, error.status, error.message || 'The request was refused')
    const challenge = error.getResponse().headers.get('www-authenticate')
    if (challenge !== null) response.headers.set('www-authenticate', challenge)
    return response
  }
  const away = await findAway()
  if (away.length > 0) {
    const response = problem(c, 503, `${away.join(' and ')} can't be reached: see that it runs`)
    response.headers.set('retry-after', '5')
    return response
  }
  const requestId = randomUUID()
  log.error({ err: error, requestId }, 'request failed')
  return problem(c, 500, 'Something of ours failed; the log has it under the request id', { requestId })
}
