import { getPath } from 'hono/utils/url'

/** A request's path for routing, without duplicate or trailing slashes, which hand-written URLs often contain. */
export function plainPath(request: Request): string {
  const path = getPath(request)
  if (!path.endsWith('/') && !path.includes('//')) return path
  return `/${path
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`
}
