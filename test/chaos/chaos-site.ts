import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import type { Database } from '@warmhook/store/database'
import { migrate } from '@warmhook/store/migrate'
import { openPostgres } from '@warmhook/store/open-database'
import { startCrmPeer, type CrmPeer } from './crm-peer.ts'
import { supervise, type Supervised } from './supervise.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const key = 'a-key-of-at-least-128-bits'
const password = 'board-password'
export const endpointPath = `/webhooks/mailivery/${key}`

/** A database of the run's own, and its server where that is ours to crash. */
export interface ChaosPostgres {
  readonly url: string
  readonly server?: { crash(): Promise<void>; restart(): Promise<void> }
}

interface ChaosRedis {
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same port and data. */
  start(): Promise<void>
  /** In bytes; 0 for no limit. */
  limitMemory(bytes: number): Promise<void>
  usedMemory(): Promise<number>
}

interface Ledger {
  readonly accepted: number
  readonly processed: number
  readonly inFlight: number
  readonly balanced: boolean
}

/** A whole installation whose every part can be broken. */
export interface ChaosSite {
  readonly ingressUrl: string
  readonly ingress: Supervised
  readonly workers: readonly Supervised[]
  readonly board: Supervised
  readonly redis: ChaosRedis
  readonly postgres: ChaosPostgres
  readonly crm: CrmPeer
  /** Between our processes and the servers; the database here goes past it. */
  readonly redisProxy: TcpProxy
  readonly postgresProxy: TcpProxy
  readonly db: Database
  readonly ledger: () => Promise<Ledger>
  /** Jobs that the ingress keeps on its disk. */
  readonly spooledJobs: () => Promise<number>
}

export interface SiteOptions {
  readonly postgres: ChaosPostgres
  readonly workers: number
  readonly log: (line: string) => void
}

/** Opens a site until the stack is disposed. Its processes may still be starting. */
export async function openChaosSite(stack: AsyncDisposableStack, options: SiteOptions): Promise<ChaosSite> {
  const { postgres, log } = options
  const home = await mkdtemp(join(tmpdir(), 'warmhook-chaos-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  const db = openPostgres({ use: 'reports', url: postgres.url, poolSize: 4, onError: () => undefined })
  stack.defer(() => db.destroy())
  await migrate(db)
  const { redis, port: redisPort } = await openRedis(stack, join(home, 'redis'))
  const postgresUrl = new URL(postgres.url)
  const target = { host: postgresUrl.hostname, port: Number(postgresUrl.port || 5432) }
  const postgresProxy = stack.use(await startTcpProxy(target))
  const redisProxy = stack.use(await startTcpProxy({ host: '127.0.0.1', port: redisPort }))
  const crm = stack.use(await startCrmPeer())
  postgresUrl.host = `127.0.0.1:${postgresProxy.port}`
  const [ingressPort, boardPort] = [await findFreePort(), await findFreePort()]
  const env = {
    REDIS_URL: `redis://127.0.0.1:${redisProxy.port}`,
    DATABASE_URL: postgresUrl.href,
    WARMHOOK_ENDPOINT_KEY: key,
    BOARD_PASSWORD: password,
    HUBSPOT_ACCESS_TOKEN: 'chaos',
    HUBSPOT_BASE_URL: crm.url,
    INGRESS_PORT: String(ingressPort),
    BOARD_PORT: String(boardPort),
    WORKER_PORT: '0',
    SPOOL_DIR: join(home, 'spool'),
    // A refused webhook is a warning, and there will be many.
    LOG_LEVEL: 'error',
  }
  const run = (name: string, entry: string): Supervised =>
    stack.use(supervise({ name, entry: `apps/${entry}/src/main.ts`, env, log }))
  const ingressUrl = `http://127.0.0.1:${ingressPort}`
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  return {
    ingressUrl,
    ingress: run('ingress', 'ingress'),
    workers: Array.from({ length: options.workers }, (_, index) => run(`worker ${index + 1}`, 'worker')),
    board: run('board', 'board'),
    redis,
    postgres,
    crm,
    redisProxy,
    postgresProxy,
    db,
    ledger: async () => JSON.parse(await read(`http://127.0.0.1:${boardPort}/api/ledger`, { authorization })) as Ledger,
    spooledJobs: async () => toGauge(await read(`${ingressUrl}/metrics`), 'warmhook_spool_jobs'),
  }
}

async function openRedis(
  stack: AsyncDisposableStack,
  dataDir: string,
): Promise<{ readonly redis: ChaosRedis; readonly port: number }> {
  const port = await findFreePort()
  const launch = () => startRedisServer({ dataDir, port })
  let server = await launch()
  stack.defer(() => server.stop())
  const admin = connectConsumer({ url: server.url, onError: () => undefined })
  stack.defer(() => disconnect(admin))
  const redis: ChaosRedis = {
    async kill() {
      server.kill('SIGKILL')
      await server.exited
    },
    async start() {
      server = await launch()
    },
    limitMemory: async (bytes) => void (await admin.config('SET', 'maxmemory', String(bytes))),
    usedMemory: async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]),
  }
  return { redis, port }
}

async function read(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

function toGauge(metrics: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'm').exec(metrics)?.[1])
}
