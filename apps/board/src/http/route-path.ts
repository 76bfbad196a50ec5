import { getPath } from 'hono/utils/url'

/**
 * The path used for routing: always with the base path, whether or not the proxy stripped it, and without duplicate or
 * trailing slashes.
 */
export function routePathUnder(basePath: string): (request: Request) => string {
  return (request) => {
    const path = getPath(request).replaceAll(/\/{2,}/g, '/')
    const full = path === basePath || path.startsWith(`${basePath}/`) ? path : `${basePath}${path}`
    return full.length > 1 && full.endsWith('/') ? full.slice(0, -1) : full
  }
}
