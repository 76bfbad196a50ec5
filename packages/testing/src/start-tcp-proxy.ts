import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { portOf } from './port-of.ts'

/** `command`: from client to server; `answer`: from server to client. */
export type Direction = 'command' | 'answer'

/** A proxy between a client and its server that simulates network faults. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Added to each direction of every connection. */
  latencyMs: number
  /** New connections are reset as soon as they are made. */
  refuses: boolean
  /** New connections are silent from the start. */
  swallows: boolean
  /** Open connections that still carry bytes. */
  readonly liveLinks: number
  /** Connections, silent or not, that the client has not closed. */
  readonly openClients: number
  /** Resets every open connection. */
  resetAll(): void
  /** Resets every connection halfway through its next chunk in this direction. */
  resetMidway(where: Direction): void
  /**
   * Existing connections stay open, but everything sent over them in these directions is lost, including a close, as
   * after a NAT or firewall has dropped their state. New connections work.
   */
  silence(...directions: readonly Direction[]): void
}

interface ProxyTarget {
  readonly host: string
  readonly port: number
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  readonly silent: Set<Direction>
  cut: Direction | undefined
}

/** Starts a proxy on a free loopback port. */
export async function startTcpProxy(target: ProxyTarget): Promise<TcpProxy> {
  const links = new Set<Link>()
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const proxy: TcpProxy = {
    port: portOf(listener.address()),
    latencyMs: 0,
    refuses: false,
    swallows: false,
    get liveLinks() {
      return [...links].filter(({ silent }) => silent.size === 0).length
    },
    get openClients() {
      return [...links].filter(({ client }) => !client.destroyed).length
    },
    resetAll() {
      for (const link of links) reset(link)
    },
    resetMidway(where) {
      for (const link of links) link.cut = where
    },
    silence(...directions) {
      for (const { silent } of links) for (const direction of directions) silent.add(direction)
    },
    async [Symbol.asyncDispose]() {
      listener.close()
      proxy.resetAll()
      await once(listener, 'close')
    },
  }
  listener.on('connection', (client) => {
    if (proxy.refuses) return void client.resetAndDestroy()
    const silent = new Set<Direction>(proxy.swallows ? ['command', 'answer'] : [])
    const link: Link = { client, server: connect(target), silent, cut: undefined }
    links.add(link)
    for (const direction of ['command', 'answer'] as const) {
      forward(link, direction, proxy)
      endWith(link, direction, links)
    }
  })
  return proxy
}

/** When the sender in this direction closes, the other side is reset, unless the direction is silent. */
function endWith(link: Link, direction: Direction, links: Set<Link>): void {
  const [from, to] = direction === 'command' ? [link.client, link.server] : [link.server, link.client]
  from
    .setNoDelay(true)
    // 'close' follows 'error'.
    .on('error', () => undefined)
    .on('close', () => {
      if (!link.silent.has(direction)) to.resetAndDestroy()
      if (link.client.destroyed && link.server.destroyed) links.delete(link)
    })
}

function forward(link: Link, direction: Direction, state: { readonly latencyMs: number }): void {
  const [from, to] = direction === 'command' ? [link.client, link.server] : [link.server, link.client]
  const write = (chunk: Buffer): void => {
    if (link.silent.has(direction)) return
    if (link.cut !== direction) return void to.write(chunk)
    to.write(chunk.subarray(0, chunk.length >> 1), () => reset(link))
  }
  let before = Promise.resolve()
  from.on('data', (chunk: Buffer) => {
    const dueAt = performance.now() + state.latencyMs
    // Chunks are sent in sequence: none may overtake another when the latency changes.
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
