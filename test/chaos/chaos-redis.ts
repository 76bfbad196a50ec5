import { join } from 'node:path'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import type { RedisServer } from '@warmhook/redis-server/redis-server'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { eventually } from '@warmhook/testing/eventually'
import { startSentinels } from './sentinels.ts'
import { startTcpProxy, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'

/**
 * A Redis master and its replica, both with append-only files, and sentinels that promote the replica if the master
 * fails.
 */
export interface ChaosRedis {
  /** A Sentinel URL. */
  readonly url: string
  /** All traffic to a server goes through its proxy, including traffic between servers and sentinels. */
  readonly proxies: readonly TcpProxy[]
  /** Disconnects the replica: from now on only the master has new writes. */
  cutReplicaOff(): Promise<void>
  /** With SIGKILL. */
  killMaster(): Promise<void>
  killBoth(): Promise<void>
  /** Starts the servers that are not running, on the same port and data as before. */
  start(): Promise<void>
  /** Resolves once the sentinels report a master other than the one killed last. */
  waitForPromotion(): Promise<void>
  /** In bytes; 0 means no limit. */
  limitMemory(bytes: number): Promise<void>
  usedMemory(): Promise<number>
  /** Removes keys from the master, and so from its replica. */
  removeKeys(pattern: string): Promise<void>
}

const removeKeys = `for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end`

interface Node {
  readonly dataDir: string
  readonly port: number
  readonly proxy: TcpProxy
  readonly admin: ReturnType<typeof connectConsumer>
  server: RedisServer | undefined
}

const wait = { timeoutMs: 60_000, intervalMs: 50 }

/** Runs until the stack is disposed. */
export async function startChaosRedis(stack: AsyncDisposableStack, home: string): Promise<ChaosRedis> {
  const first = await openNode(stack, join(home, 'redis-1'))
  const second = await openNode(stack, join(home, 'redis-2'))
  const nodes = [first, second]
  stack.defer(async () => {
    for (const { server } of nodes) await server?.stop()
  })
  await startNode(first, undefined)
  await startNode(second, first)
  await eventually(async () => /master_link_status:up/.test(await second.admin.info('replication')), wait)
  const sentinels = stack.use(await startSentinels(join(home, 'sentinels'), first.proxy.port))

  let killed = first
  const findMaster = async (): Promise<Node> => {
    const port = await sentinels.masterPort()
    return nodes.find(({ proxy }) => proxy.port === port) ?? first
  }
  const kill = async (node: Node): Promise<void> => {
    const { server } = node
    node.server = undefined
    server?.kill('SIGKILL')
    await server?.exited
  }
  return {
    url: sentinels.url,
    proxies: nodes.map(({ proxy }) => proxy),
    async cutReplicaOff() {
      const { proxy, admin } = await findMaster()
      proxy.refuses = true
      await admin.client('KILL', 'TYPE', 'REPLICA')
    },
    async killMaster() {
      killed = await findMaster()
      await kill(killed)
    },
    async killBoth() {
      killed = await findMaster()
      await Promise.all(nodes.map(kill))
    },
    async start() {
      const master = await findMaster()
      if (master.server === undefined) await startNode(master, undefined)
      for (const node of nodes) if (node.server === undefined) await startNode(node, master)
    },
    async waitForPromotion() {
      await eventually(async () => (await findMaster()) !== killed, wait)
    },
    async limitMemory(bytes) {
      for (const { admin } of nodes) await admin.config('SET', 'maxmemory', String(bytes))
    },
    async usedMemory() {
      const { admin } = await findMaster()
      return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
    },
    async removeKeys(pattern) {
      const { admin } = await findMaster()
      // Atomically, since a queue does not lose its keys one by one.
      await admin.eval(removeKeys, 0, pattern)
    },
  }
}

async function openNode(stack: AsyncDisposableStack, dataDir: string): Promise<Node> {
  const port = await findFreePort()
  const proxy = stack.use(await startTcpProxy({ host: '127.0.0.1', port }))
  const admin = connectConsumer({ url: `redis://127.0.0.1:${port}`, onError: () => undefined })
  stack.defer(() => disconnect(admin))
  return { dataDir, port, proxy, admin, server: undefined }
}

async function startNode(node: Node, master: Node | undefined): Promise<void> {
  const announced = ['--replica-announce-ip', '127.0.0.1', '--replica-announce-port', String(node.proxy.port)]
  const following = master === undefined ? [] : ['--replicaof', '127.0.0.1', String(master.proxy.port)]
  const { dataDir, port, proxy } = node
  proxy.refuses = false
  // By default, Redis drops a silent master or replica only after a minute, and writes wait for the replica.
  const timeouts = ['--repl-timeout', '10', '--repl-ping-replica-period', '2']
  node.server = await startRedisServer({ dataDir, port, extraArgs: [...announced, ...timeouts, ...following] })
}
