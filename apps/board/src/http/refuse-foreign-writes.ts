import type { MiddlewareHandler } from 'hono'
import { problem } from './problem.ts'

/**
 * Rejects cross-site writes that use the password stored in the browser. `Sec-Fetch-Site` decides if the browser sends
 * it: pages cannot forge it, and proxies do not change it. Browsers omit it over plain HTTP; the host of `Origin` must
 * then match the requested host. A request with neither header comes from a script. hono/csrf would reject scripts
 * without a content type, and compares schemes, which differ behind a TLS proxy.
 */
export const refuseForeignWrites: MiddlewareHandler = async (c, next) => {
  const isRead = ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
  if (!isRead && isForeign(c.req.header('sec-fetch-site'), c.req.header('origin'), c.req.header('host')))
    return problem(c, 403, 'Cross-site writes are not allowed')
  return next()
}

function isForeign(site: string | undefined, origin: string | undefined, host: string | undefined): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  // "null" is an origin that the browser hides.
  return host === undefined || !URL.canParse(origin) || plainHost(new URL(origin).host) !== plainHost(host)
}

/** It is unknown whether a proxy in front uses TLS, so the default ports of both schemes are removed. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/:(80|443)$/, '')
}
