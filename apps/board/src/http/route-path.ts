import { getPath } from 'hono/utils/url'

/**
 * The path by which the board routes a request: always under the base path, whether or not the proxy removed it, and
 * without doubled or trailing slashes.
 */
export function routePathUnder(basePath: string): (request: Request) => string {
  return (request) => {
    const path = getPath(request).replaceAll(/\/{2,}/g, '/')
    const full = path === basePath || path.startsWith(`${basePath}/`) ? path : `${basePath}${path}`
    return full.length > 1 && full.endsWith('/') ? full.slice(0, -1) : full
  }
}
