import { parse } from 'pg-connection-string'

const protocols = /^(?:postgres|postgresql|socket):/i

/**
 * Whether `pg` can connect with this URL: over TCP, or over a Unix socket whose directory is in `host`, percent-encoded
 * as the host, or the path of `socket:`.
 */
export function isDatabaseUrl(text: string): boolean {
  if (!protocols.test(text) || text.includes('#')) return false
  const [location = '', query = ''] = text.split('?')
  // An unescaped / or ? in a password would turn the rest of it, and the real host, into a path or a query.
  if (/^[^/]*\/\/[^/]*\/.*@/.test(location) || !/^(?:\w+=[^&]*(?:&|$))*$/.test(query)) return false
  try {
    const { host, port, database } = parse(text)
    return (
      (Boolean(host) || Boolean(database)) &&
      (!port || (/^\d+$/.test(port) && Number(port) > 0 && Number(port) <= 65_535))
    )
  } catch {
    // Its message can quote the URL, and with it the password.
    return false
  }
}
