import { Redis } from 'ioredis'

/** A server's address and credentials. */
export interface ServerAddress {
  readonly port: number
  readonly password?: string | undefined
}

/** What answered at an address. `silent`: the connection was accepted, but there was no answer in time. */
export type ServerIdentity =
  | { readonly status: 'answers'; readonly pid: number; readonly dir: string; readonly loading: boolean }
  | { readonly status: 'other'; readonly error: Error }
  | { readonly status: 'absent' }
  | { readonly status: 'silent' }

/** Asks the server at a loopback port for its process id and data directory. */
export async function identifyServer(address: ServerAddress, timeoutMs = 2_000): Promise<ServerIdentity> {
  const client = connectTo(address, timeoutMs)
  // The handshake's own failure: `connect` only says that the connection is closed.
  let first: Error | undefined
  client.on('error', (error: Error) => (first ??= error))
  try {
    await client.connect()
    const info = await client.info()
    const dir = String((await client.config('GET', 'dir')).at(1))
    return {
      status: 'answers',
      pid: Number(infoField(info, 'process_id')),
      dir,
      loading: infoField(info, 'loading') === '1',
    }
  } catch (error) {
    return toFailure(first ?? error)
  } finally {
    client.disconnect()
  }
}

/** Asks the server to save and shut down. The connection then breaks, so no answer means success. */
export async function shutDownServer(address: ServerAddress, timeoutMs = 10_000): Promise<void> {
  const client = connectTo(address, timeoutMs)
  try {
    await client.connect()
    await client.shutdown()
  } catch (error) {
    if (toFailure(error).status === 'other' && !/connection is closed/i.test(String(error))) throw error
  } finally {
    client.disconnect()
  }
}

function connectTo({ port, password }: ServerAddress, timeoutMs: number): Redis {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    // One connection attempt: the caller decides whether to retry. A server that is loading its data answers INFO.
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A hung server does not close its end.
    disconnectTimeout: 100,
  })
  // Errors reach the caller through the rejected command; without a listener they would also crash the process.
  client.on('error', () => {})
  return client
}

function toFailure(error: unknown): ServerIdentity {
  if (!(error instanceof Error)) return { status: 'other', error: new Error(String(error)) }
  if (/timed? ?out/i.test(error.message)) return { status: 'silent' }
  if (/ECONNREFUSED|ECONNRESET|Connection is closed/i.test(error.message)) return { status: 'absent' }
  return { status: 'other', error }
}

function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
}
