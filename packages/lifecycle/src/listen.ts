import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ResourceScope } from './resource-scope.ts'

/** The address is taken or not ours to use. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly onError: (error: unknown) => void
  readonly drainMs?: number
}

/**
 * Starts a server and returns its URL, without a trailing slash. Its release stops listening, lets requests in hand
 * finish for `drainMs`, then cuts what is left. `onError` is told of connections that could not be taken (too many open files).
 *
 * @throws ListenError saying which setting to change
 */
export async function listen(
  scope: ResourceScope,
  server: Server,
  { host, port, onError, drainMs = 5_000 }: ListenOptions,
): Promise<string> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new ListenError(
      `Nothing can listen on ${host}:${port} (${cause instanceof Error ? cause.message : String(cause)}); choose another port`,
      { cause },
    )
  }
  server.on('error', onError)
  scope.defer(`server on port ${port}`, () => drain(server, drainMs), drainMs + 1_000)
  const { address, family, port: bound } = boundTo(server)
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
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
