/** Appends a path to a base URL, with or without a trailing slash. Without a path, the URL stays as it is. */
export function joinUrl(base: string, path: string): URL {
  const url = new URL(base)
  if (path !== '') url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  url.hash = ''
  return url
}
