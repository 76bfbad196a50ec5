import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { testPrefix } from '@warmhook/testing/test-prefix'

const key = 'a-key-of-at-least-128-bits'
const password = 'board-password'

interface Ledger {
  readonly accepted: number
  readonly processed: number
  readonly duplicate: number
  readonly quarantined: number
  readonly dead: number
  readonly inFlight: number
  readonly balanced: boolean
}

/** Ingress, worker and board as separate processes, with their own database and Redis keys. */
export interface Installation extends AsyncDisposable {
  readonly ingressUrl: string
  readonly boardUrl: string
  readonly workerUrl: string
  readonly env: Readonly<Record<string, string>>
  readonly prefix: string
  readonly redisUrl: string
  readonly worker: SpawnedApp
  readonly ingress: SpawnedApp
  readonly board: SpawnedApp
  /** The output of the ingress and the board. */
  outputs(): readonly string[]
  /** Posts a body to the endpoint. */
  send(body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>): Promise<Response>
  /** Reads a route of the board's API. */
  api<T>(path: string): Promise<T>
  /** The board's metrics. */
  metrics(): Promise<string>
  /** Writes to a route of the board's API. */
  post<T>(path: string, body: unknown): Promise<T>
  /** Waits until nothing is in flight, and returns the ledger at that time. */
  settled(accepted: number): Promise<Ledger>
  startWorker(env?: Readonly<Record<string, string>>): Promise<SpawnedApp>
}

/** `env` is added to every process's environment. */
export async function startInstallation(env: Readonly<Record<string, string>> = {}): Promise<Installation> {
  const stack = new AsyncDisposableStack()
  try {
    return await open(stack, env)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function open(stack: AsyncDisposableStack, extra: Readonly<Record<string, string>>): Promise<Installation> {
  const keys = stack.use(testPrefix())
  const database = stack.use(await createTestDatabase())
  const env = {
    REDIS_URL: keys.redisUrl,
    DATABASE_URL: database.url,
    QUEUE_PREFIX: keys.prefix,
    WARMHOOK_ENDPOINT_KEY: key,
    BOARD_PASSWORD: password,
    INGRESS_PORT: '0',
    BOARD_PORT: '0',
    WORKER_PORT: '0',
    ...extra,
  }
  const startWorker = async (more: Readonly<Record<string, string>> = {}): Promise<SpawnedApp> =>
    stack.use(await spawnApp('apps/worker/src/main.ts', { ...env, ...more }, { readyLine: /worker takes batches/ }))
  const worker = await startWorker()
  const servers = await Promise.all(
    ['ingress', 'board'].map(async (name) => stack.use(await spawnApp(`apps/${name}/src/main.ts`, env))),
  )
  const [ingress, board] = servers
  const [ingressUrl, boardUrl] = await Promise.all(servers.map(urlOf))
  if (ingress === undefined || board === undefined || ingressUrl === undefined || boardUrl === undefined)
    throw new Error('ingress and board both have a URL by now')
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  const request = async <T>(path: string, init: RequestInit = {}, tries = 5): Promise<T> => {
    const response = await fetch(`${boardUrl}${path}`, {
      ...init,
      headers: { authorization, origin: boardUrl, 'content-type': 'application/json' },
    })
    // On a machine as busy as in a test run, Redis can take longer than the board waits for it.
    if (response.status === 503 && tries > 1) return request(path, init, tries - 1)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }
  return {
    ingressUrl,
    boardUrl,
    workerUrl: await urlOf(worker),
    env,
    prefix: keys.prefix,
    redisUrl: keys.redisUrl,
    worker,
    ingress,
    board,
    outputs: () => servers.map((server) => server.output()),
    startWorker,
    send: (body, headers = { 'content-type': 'application/json' }) =>
      fetch(`${ingressUrl}/webhooks/mailivery/${key}`, { method: 'POST', headers, body }),
    api: (path) => request(path),
    metrics: async () => (await fetch(`${boardUrl}/metrics`, { headers: { authorization } })).text(),
    post: (path, body) => request(path, { method: 'POST', body: JSON.stringify(body) }),
    settled: (accepted) =>
      eventually(
        async () => {
          const ledger = await request<Ledger>('/api/ledger')
          if (ledger.accepted !== accepted || ledger.inFlight > 0)
            throw new Error(`not settled: ${JSON.stringify(ledger)}`)
          return ledger
        },
        { timeoutMs: 120_000, intervalMs: 100 },
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function urlOf(app: SpawnedApp): Promise<string> {
  const [, url] = await app.waitForLine(/"url":"(http:[^"]+)"/)
  if (url === undefined) throw new Error('the pattern has a group')
  return url
}
