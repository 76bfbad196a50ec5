import type { MiddlewareHandler } from 'hono'
import { problem } from './problem.ts'

/**
 * Refuses writes that a page of another site makes with the password that the browser remembers. Every browser says
 * where a write comes from; a request that says nothing is a script's. hono/csrf would refuse scripts without a content
 * type, and compares schemes, which differ behind a TLS proxy.
 */
export const refuseForeignWrites: MiddlewareHandler = async (c, next) => {
  const isRead = ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
  const origin = c.req.header('origin')
  const site = c.req.header('sec-fetch-site')
  const isForeign =
    (origin !== undefined && hostOf(origin) !== c.req.header('host')) || site === 'cross-site' || site === 'same-site'
  if (!isRead && isForeign) return problem(c, 403, 'Writes from another site are refused')
  return next()
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
