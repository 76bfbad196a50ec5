import { STATUS_CODES } from 'node:http'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { problemPage } from './problem-page.ts'

/** Problem details (RFC 9457): as JSON, or as a page for a browser. */
export async function problem(
  c: Context,
  status: ContentfulStatusCode,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Response> {
  const title = STATUS_CODES[status] ?? 'Error'
  const type = accepts(c, { header: 'Accept', supports: [problemJson, 'application/json', html], default: problemJson })
  const [body, contentType] =
    type === html
      ? [String(await problemPage(title, detail, status === 503)), `${html}; charset=utf-8`]
      : [JSON.stringify({ title, status, detail, ...more }), problemJson]
  return c.body(body, status, { 'content-type': contentType, vary: 'Accept' })
}

const problemJson = 'application/problem+json'
const html = 'text/html'
