import { setTimeout as delay } from 'node:timers/promises'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { eventually } from '@warmhook/testing/eventually'

/** A Redis with an append-only file. */
export interface ChaosRedis extends AsyncDisposable {
  readonly port: number
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same port and data. */
  start(): Promise<void>
  /** In bytes; 0 for no limit. */
  limitMemory(bytes: number): Promise<void>
  usedMemory(): Promise<number>
  /**
   * Makes a new replica the master, as a failover in good order does: no write is lost. `port` is the new one's when
   * `onPromoted` is called; the old one refuses writes then, and ends `lingerMs` later.
   */
  promoteReplica(lingerMs: number, onPromoted: () => void): Promise<void>
}

interface Node {
  readonly dataDir: string
  readonly port: number
}

export async function startChaosRedis(dataDir: string): Promise<ChaosRedis> {
  let node: Node = { dataDir, port: await findFreePort() }
  let server = await startRedisServer(node)
  let admin = connect(server)

  async function startReplica(): Promise<Node> {
    const next = { dataDir: `${node.dataDir}-next`, port: await findFreePort() }
    const extraArgs = ['--replicaof', '127.0.0.1', String(node.port)]
    const old = { server, admin }
    const replica = await startRedisServer({ ...next, extraArgs })
    const replicaAdmin = connect(replica)
    await eventually(async () => /master_link_status:up/.test(await replicaAdmin.info('replication')), replicaWait)
    await old.admin.call('FAILOVER', 'TO', '127.0.0.1', String(next.port), 'TIMEOUT', '10000')
    await eventually(async () => /role:master/.test(await replicaAdmin.info('replication')), replicaWait)
    server = replica
    admin = replicaAdmin
    retired.push(old)
    return next
  }

  const retired: { readonly server: typeof server; readonly admin: typeof admin }[] = []
  const retire = async (): Promise<void> => {
    for (const old of retired.splice(0)) {
      await disconnect(old.admin)
      await old.server.stop()
    }
  }
  return {
    get port() {
      return node.port
    },
    async kill() {
      server.kill('SIGKILL')
      await server.exited
    },
    async start() {
      server = await startRedisServer(node)
    },
    limitMemory: async (bytes) => void (await admin.config('SET', 'maxmemory', String(bytes))),
    usedMemory: async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]),
    async promoteReplica(lingerMs, onPromoted) {
      node = await startReplica()
      onPromoted()
      await delay(lingerMs)
      await retire()
    },
    async [Symbol.asyncDispose]() {
      await retire()
      await disconnect(admin)
      await server.stop()
    },
  }
}

const replicaWait = { timeoutMs: 30_000, intervalMs: 50 }

function connect({ url }: { readonly url: string }): ReturnType<typeof connectConsumer> {
  return connectConsumer({ url, onError: () => undefined })
}
