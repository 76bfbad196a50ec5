import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import type { Database } from '@warmhook/store/database'
import { migrate } from '@warmhook/store/migrate'
import { startChaosRedis, type ChaosRedis } from './chaos-redis.ts'
import { startCrmPeer, type CrmPeer } from './crm-peer.ts'
import { openVerdictDatabase } from './open-verdict-database.ts'
import { supervise, type Supervised } from './supervise.ts'
import { startTcpProxy, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { createWallClock, type WallClock } from './wall-clock.ts'

const key = 'a-key-of-at-least-128-bits'
const password = 'board-password'
export const endpointPath = `/webhooks/mailivery/${key}`

/** A database for this run, and its server if the run may crash it. */
export interface ChaosPostgres {
  readonly url: string
  readonly server?: { crash(): Promise<void>; restart(): Promise<void> }
}

interface Ledger {
  readonly accepted: number
  readonly processed: number
  readonly duplicate: number
  readonly inFlight: number
  readonly balanced: boolean
}

/** A complete installation in which every part can be made to fail. */
export interface ChaosSite {
  readonly ingressUrl: string
  readonly ingress: Supervised
  readonly workers: readonly Supervised[]
  readonly board: Supervised
  readonly redis: ChaosRedis
  readonly postgres: ChaosPostgres
  readonly crm: CrmPeer
  /** A message for every unexpected exit of a process. */
  readonly ends: readonly string[]
  /** Between the processes and the server; `db` bypasses it. */
  readonly postgresProxy: TcpProxy
  /** The clock of the ingress and the clock of the workers. */
  readonly clocks: readonly WallClock[]
  readonly db: Database
  readonly ledger: () => Promise<Ledger>
  /** Through the board's API. */
  readonly pauseHandler: (name: string) => Promise<void>
  /** Through the board's API, as a person does after repairing the account. */
  readonly resumeCrm: () => Promise<void>
  /** The number of jobs in the ingress's spool. */
  readonly spooledJobs: () => Promise<number>
}

export interface SiteOptions {
  readonly postgres: ChaosPostgres
  readonly workers: number
  readonly log: (line: string) => void
}

/** Opens a site, which is closed when the stack is disposed. Its processes may still be starting. */
export async function openChaosSite(stack: AsyncDisposableStack, options: SiteOptions): Promise<ChaosSite> {
  const { postgres, log } = options
  const home = await mkdtemp(join(tmpdir(), 'warmhook-chaos-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  const db = openVerdictDatabase(postgres.url)
  stack.defer(() => db.destroy())
  await migrate(db)
  const redis = await startChaosRedis(stack, home)
  const postgresUrl = new URL(postgres.url)
  const target = { host: postgresUrl.hostname, port: Number(postgresUrl.port || 5432) }
  const postgresProxy = stack.use(await startTcpProxy(target))
  const crm = stack.use(await startCrmPeer())
  postgresUrl.host = `127.0.0.1:${postgresProxy.port}`
  const [ingressPort, boardPort] = [await findFreePort(), await findFreePort()]
  const env = {
    REDIS_URL: redis.url,
    REDIS_WAIT_REPLICAS: '1',
    DATABASE_URL: postgresUrl.href,
    WARMHOOK_ENDPOINT_KEY: key,
    BOARD_PASSWORD: password,
    HUBSPOT_ACCESS_TOKEN: 'chaos',
    HUBSPOT_BASE_URL: crm.url,
    INGRESS_PORT: String(ingressPort),
    BOARD_PORT: String(boardPort),
    WORKER_PORT: '0',
    SPOOL_DIR: join(home, 'spool'),
    // Every refused webhook logs a warning, and there will be many.
    LOG_LEVEL: 'error',
  }
  const ends: string[] = []
  const ingressClock = createWallClock(join(home, 'ingress-clock'))
  const workerClock = createWallClock(join(home, 'worker-clock'))
  const run = (name: string, app: string, clock?: WallClock): Supervised => {
    const onEnd = (how: string): void => {
      const line = `${name} exited unexpectedly: ${how}`
      // Logged once: a process that cannot start is restarted repeatedly.
      if (!ends.includes(line)) log(line)
      ends.push(line)
    }
    return stack.use(supervise({ entry: `apps/${app}/src/main.ts`, env: { ...env, ...clock?.env }, onEnd }))
  }
  const ingressUrl = `http://127.0.0.1:${ingressPort}`
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  const post = async (path: string): Promise<void> => {
    const url = `http://127.0.0.1:${boardPort}`
    const headers = { authorization, origin: url, 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: '{}' })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  }
  return {
    ingressUrl,
    ingress: run('ingress', 'ingress', ingressClock),
    workers: Array.from({ length: options.workers }, (_, index) => run(`worker ${index + 1}`, 'worker', workerClock)),
    board: run('board', 'board'),
    redis,
    postgres,
    crm,
    ends,
    postgresProxy,
    clocks: [ingressClock, workerClock],
    db,
    ledger: async () => JSON.parse(await read(`http://127.0.0.1:${boardPort}/api/ledger`, { authorization })) as Ledger,
    pauseHandler: (name) => post(`/api/handlers/${name}/pause`),
    resumeCrm: () => post('/api/crm/default/resume'),
    spooledJobs: async () => toGauge(await read(`${ingressUrl}/metrics`), 'warmhook_spool_jobs'),
  }
}

async function read(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

function toGauge(metrics: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'm').exec(metrics)?.[1])
}
