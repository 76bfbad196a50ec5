import { isIPv6 } from 'node:net'

/** The URL of a server that listens on `host`, without a trailing slash. A wildcard address is replaced by loopback. */
export function httpUrl(host: string, port: number): string {
  const reachable = loopback.get(host) ?? host
  return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`
}

const loopback: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])
