import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { portOf } from './port-of.ts'

/** Stands between a client and its server, and is a bad network on demand. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Added to each direction of every connection. */
  latencyMs: number
  /** Connections end as soon as they are made. */
  refuses: boolean
  /** Resets every connection that is there. */
  resetAll(): void
  /** Resets every connection half-way through its next chunk, or through the answer to it. */
  resetMidway(where: 'command' | 'answer'): void
}

interface ProxyTarget {
  readonly host: string
  readonly port: number
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  cut: 'command' | 'answer' | undefined
}

/** Starts a proxy on a free loopback port. */
export async function startTcpProxy(target: ProxyTarget): Promise<TcpProxy> {
  const links = new Set<Link>()
  const state = { latencyMs: 0, refuses: false }
  const listener = createServer((client) => {
    if (state.refuses) return void client.resetAndDestroy()
    const link: Link = { client, server: connect(target), cut: undefined }
    links.add(link)
    forward(link, 'command', state)
    forward(link, 'answer', state)
    const end = (): void => {
      links.delete(link)
      reset(link)
    }
    for (const socket of [link.client, link.server]) socket.setNoDelay(true).on('error', end).on('close', end)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const resetAll = (): void => {
    for (const link of links) reset(link)
  }
  return Object.assign(state, {
    port: portOf(listener.address()),
    resetAll,
    resetMidway(where: 'command' | 'answer') {
      for (const link of links) link.cut = where
    },
    async [Symbol.asyncDispose]() {
      listener.close()
      resetAll()
      await once(listener, 'close')
    },
  })
}

function forward(link: Link, direction: 'command' | 'answer', state: { readonly latencyMs: number }): void {
  const [from, to] = direction === 'command' ? [link.client, link.server] : [link.server, link.client]
  const write = (chunk: Buffer): void => {
    if (link.cut !== direction) return void to.write(chunk)
    to.write(chunk.subarray(0, chunk.length >> 1), () => reset(link))
  }
  let before = Promise.resolve()
  from.on('data', (chunk: Buffer) => {
    const dueAt = performance.now() + state.latencyMs
    // One after the other: a chunk must not overtake another when the latency ends.
    const turn = before
    before = (async () => {
      await turn
      const waitMs = dueAt - performance.now()
      if (waitMs > 0) await delay(waitMs)
      write(chunk)
    })()
  })
}

function reset({ client, server }: Link): void {
  client.resetAndDestroy()
  server.resetAndDestroy()
}
