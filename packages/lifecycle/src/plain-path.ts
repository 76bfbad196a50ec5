import { getPath } from 'hono/utils/url'

/** A request's path for an app to route by, without doubled or trailing slashes: URLs are put together by hand. */
export function plainPath(request: Request): string {
  const path = getPath(request)
  if (!path.endsWith('/') && !path.includes('//')) return path
  return `/${path
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`
}
