import type { MiddlewareHandler } from 'hono'
import { problem } from './problem.ts'

/**
 * Refuses writes that a page of another site makes with the password that the browser remembers. `Sec-Fetch-Site`
 * decides where the browser sends it: no page can forge it, and no proxy changes it. Browsers leave it out over plain
 * HTTP; then the host of `Origin` must be the one that was asked. A request with neither is a script's. hono/csrf would
 * refuse scripts without a content type, and compares schemes, which differ behind a TLS proxy.
 */
export const refuseForeignWrites: MiddlewareHandler = async (c, next) => {
  const isRead = ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
  if (!isRead && isForeign(c.req.header('sec-fetch-site'), c.req.header('origin'), c.req.header('host')))
    return problem(c, 403, 'Writes from another site are refused')
  return next()
}

function isForeign(site: string | undefined, origin: string | undefined, host: string | undefined): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  // "null" stands for an origin that the browser hides.
  return host === undefined || !URL.canParse(origin) || plainHost(new URL(origin).host) !== plainHost(host)
}

/** Whether the proxy in front speaks TLS is not known here, so the default ports of both schemes go. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/:(80|443)$/, '')
}
