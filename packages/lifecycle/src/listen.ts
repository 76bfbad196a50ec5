import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { httpUrl } from './http-url.ts'
import type { ResourceScope } from './resource-scope.ts'

/** The address is in use or not allowed. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export interface ListenOptions {
  readonly host: string
  /** 0 selects a free one. */
  readonly port: number
  /** The setting that selects the port. */
  readonly variable: string
  readonly onError: (error: unknown) => void
  readonly drainMs?: number
}

/**
 * Starts a server and returns a URL that reaches it from this machine, without a trailing slash. Its release stops
 * listening, gives requests in progress `drainMs` to finish, then closes the remaining connections. `onError` receives errors of
 * connections that could not be accepted (too many open files).
 *
 * @throws ListenError saying which setting to change
 */
export async function listen(
  scope: ResourceScope,
  server: Server,
  { host, port, variable, onError, drainMs = 5_000 }: ListenOptions,
): Promise<string> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new ListenError(explain(cause, { host, port, variable }), { cause })
  }
  server.on('error', onError)
  scope.defer(`server on port ${port}`, () => drain(server, drainMs), drainMs + 1_000)
  const { address, port: bound } = boundTo(server)
  return httpUrl(address, bound)
}

function explain(cause: unknown, { host, port, variable }: Pick<ListenOptions, 'host' | 'port' | 'variable'>): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const place = `port ${port} on ${host}`
  if (code === 'EADDRINUSE')
    return `${variable}: ${place} is in use by another program; stop that program, or set ${variable} to another port`
  if (code === 'EACCES')
    return `${variable}: this user is not allowed to listen on ${place}; set ${variable} to a port above 1023`
  return `HOST: cannot listen on ${host} (${code}); set HOST to an address of this machine`
}

async function drain(server: Server, drainMs: number): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const cut = setTimeout(() => server.closeAllConnections(), drainMs)
  await closed
  clearTimeout(cut)
}

function boundTo(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new TypeError('a server that listens on a port has an address')
  return address
}
