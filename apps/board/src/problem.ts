import { randomUUID } from 'node:crypto'
import { CursorError } from '@warmhook/store/page'
import type { Logger } from '@warmhook/telemetry/logger'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

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
export function answerError(error: Error, c: Context, log: Logger): Response {
  if (error instanceof CursorError) return problem(c, 400, error.message)
  if (error instanceof HTTPException) {
    const response = problem(c, error.status, error.message || 'The request was refused')
    const challenge = error.getResponse().headers.get('www-authenticate')
    if (challenge !== null) response.headers.set('www-authenticate', challenge)
    return response
  }
  const requestId = randomUUID()
  log.error({ err: error, requestId }, 'request failed')
  return problem(c, 500, 'Something of ours failed; the log has it under the request id', { requestId })
}
