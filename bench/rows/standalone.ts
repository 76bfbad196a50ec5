import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '@warmhook/store/migrate'
import { openPglite } from '@warmhook/store/pglite/open-pglite'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { sendEvents } from '../load/run-load.ts'
import { fillHistory, type HistorySize } from '../support/fill-history.ts'
import { endpointPath } from '../support/open-site.ts'

export interface StandaloneOptions extends HistorySize {
  readonly perSecond: number
  readonly seconds: number
}

/** In ms: when the slowest acknowledgement of each part came, counted from when its event was due. */
export interface StandaloneResult {
  readonly closed: { readonly p99: number; readonly max: number }
  /** While dashboards read all the time. */
  readonly open: { readonly p99: number; readonly max: number }
  /** Readings of the dashboard in that time. */
  readonly reads: number
}

/** What an open dashboard asks for, and what a reader of its tables does. */
const paths = [
  '/overview',
  '/api/ledger',
  '/api/stats',
  '/api/handlers',
  '/api/events?limit=200',
  '/api/mailboxes?q=mailbox7',
]
const boardPassword = 'a-password-of-the-bench'

/** Acknowledgements of `npm start` with a history in its embedded Postgres, first alone, then beside two dashboards. */
export async function measureStandalone(
  { perSecond, seconds, ...size }: StandaloneOptions,
  report: (progress: string) => void,
): Promise<StandaloneResult> {
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-bench-standalone-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const db = await openPglite({ directory: join(dataDir, 'postgres') })
  await migrate(db)
  await fillHistory(db, size, report)
  await db.destroy()
  const app = stack.use(await startApp(dataDir))
  const [, ingressUrl = ''] = await app.waitForLine(/Webhook URL\s+(http:\/\/[^/]+)\//)
  const [, boardUrl = ''] = await app.waitForLine(/Dashboard\s+(http:\S+)/)
  const count = perSecond * seconds
  const load = { url: ingressUrl, path: endpointPath, connections: 16, count, perSecond, leadIn: perSecond }
  const send = (first: number) => sendEvents({ ...load, first })
  await send(0)
  const { ack: closed } = await send(count)
  const end = new AbortController()
  const readers = [0, 1].map(() => readUntil(end.signal, boardUrl))
  const { ack: open } = await send(2 * count)
  end.abort()
  const reads = await Promise.all(readers)
  return { closed, open, reads: reads.reduce((sum, read) => sum + read, 0) }
}

function startApp(dataDir: string): Promise<SpawnedApp> {
  const env = {
    DATA_DIR: dataDir,
    INGRESS_PORT: '0',
    BOARD_PORT: '0',
    BOARD_PASSWORD: boardPassword,
    WARMHOOK_ENDPOINT_KEY: 'a-key-of-at-least-128-bits',
    RATE_LIMIT_PER_SECOND: '0',
  }
  return spawnApp('apps/standalone/src/main.ts', env, { readyLine: /Ctrl-C/, timeoutMs: 300_000 })
}

async function readUntil(end: AbortSignal, url: string): Promise<number> {
  const headers = { authorization: `Basic ${Buffer.from(`admin:${boardPassword}`).toString('base64')}` }
  let reads = 0
  while (!end.aborted) {
    const response = await fetch(new URL(paths[reads % paths.length] ?? '/', url), { headers })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}`)
    reads += 1
  }
  return reads
}
