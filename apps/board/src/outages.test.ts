import { setTimeout as delay } from 'node:timers/promises'
import { Secret } from '@warmhook/config/secret'
import { migrate } from '@warmhook/store/migrate'
import { openPostgres } from '@warmhook/store/open-database'
import { createLogger } from '@warmhook/telemetry/logger'
import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { eventually } from '@warmhook/testing/eventually'
import { startTcpProxy, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noCrm } from './fixtures/open-test-board.ts'
import { startBoard } from './start-board.ts'

const id = '019a1b2c-0000-7000-8000-000000000001'
const readsOfPostgres = [
  '/',
  '/overview',
  '/api/mailboxes',
  '/api/mailboxes/acme/1',
  '/api/pauses',
  '/api/events',
  `/api/events/${id}`,
  '/api/quarantine',
  '/api/quarantine?issue=x',
  '/api/handlers',
  '/api/ledger',
  '/api/stats',
]
const readsOfRedis = ['/', '/overview', '/api/handlers', '/api/ledger', '/queues', '/queues/api/queues']
const writesOfRedis = ['/api/handlers/notify/pause', '/api/handlers/notify/resume']

/** A later answer counts as a hang. */
const limitMs = 5_000

interface Site extends AsyncDisposable {
  readonly redis: TcpProxy
  readonly postgres: TcpProxy
  request(path: string, init?: Init): Promise<Response>
  /** Blocks every statement about events until the returned function is called. */
  holdUpEvents(): Promise<() => Promise<void>>
}

interface Init {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function openSite(): Promise<Site> {
  const stack = new AsyncDisposableStack()
  const keys = stack.use(testPrefix())
  const database = stack.use(await createTestDatabase())
  const throughProxy = async (url: URL): Promise<TcpProxy> => {
    const proxy = stack.use(await startTcpProxy({ host: url.hostname, port: Number(url.port) }))
    url.hostname = '127.0.0.1'
    url.port = String(proxy.port)
    return proxy
  }
  const [redisUrl, databaseUrl] = [new URL(keys.redisUrl), new URL(database.url)]
  const redis = await throughProxy(redisUrl)
  const postgres = await throughProxy(databaseUrl)
  const db = openPostgres({ use: 'reports', url: databaseUrl.href, poolSize: 4, onError: () => undefined })
  stack.defer(() => db.destroy())
  await migrate(db)
  const board = stack.use(
    await startBoard({
      db,
      log: createLogger('test', 'silent'),
      redisUrl: redisUrl.href,
      host: '127.0.0.1',
      port: 0,
      user: 'admin',
      password: new Secret('a-password'),
      basePath: '',
      prefix: keys.prefix,
      crm: noCrm,
      mailivery: new Map(),
    }),
  )
  const authorization = `Basic ${Buffer.from('admin:a-password').toString('base64')}`
  const request = (path: string, init: Init = {}): Promise<Response> =>
    fetch(`${board.url}${path}`, {
      ...init,
      headers: { authorization, ...init.headers },
      signal: AbortSignal.timeout(limitMs),
    })
  // Uses both services, and several connections of the pool.
  await eventually(async () => expect((await request('/overview')).status).toBe(200))
  const direct = openPostgres({ use: 'reports', url: database.url, poolSize: 1, onError: () => undefined })
  stack.defer(() => direct.destroy())
  const holdUpEvents = async (): Promise<() => Promise<void>> => {
    const tx = await direct.startTransaction().execute()
    await sql`LOCK TABLE events IN ACCESS EXCLUSIVE MODE`.execute(tx)
    return () => tx.rollback().execute()
  }
  return { redis, postgres, request, holdUpEvents, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

describe('while a service does not answer', () => {
  let site: Site
  beforeEach(async () => {
    site = await openSite()
  })
  afterEach(async () => {
    // A silent connection cannot be closed gracefully.
    for (const proxy of [site.redis, site.postgres]) proxy.resetAll()
    await site[Symbol.asyncDispose]()
  })

  const named = (service: string, paths: readonly string[]) =>
    paths.map((path) => ({ path, status: 503, retryAfter: '5', text: expect.stringContaining(service) as unknown }))

  function answersTo(paths: readonly string[], init: Init = {}): Promise<readonly object[]> {
    return Promise.all(
      paths.map(async (path) => {
        const response = await site.request(path, init)
        const { status, headers } = response
        return { path, status, retryAfter: headers.get('retry-after'), text: await response.text() }
      }),
    )
  }

  const faults: readonly (readonly [string, (proxy: TcpProxy) => void])[] = [
    [
      'refuses',
      (proxy) => {
        proxy.refuses = true
        proxy.resetAll()
      },
    ],
    [
      'is silent',
      (proxy) => {
        proxy.swallows = true
        proxy.silence('command', 'answer')
      },
    ],
    ['is silent on the connections that are there', (proxy) => proxy.silence('command', 'answer')],
    ['loses its answers on the connections that are there', (proxy) => proxy.silence('answer')],
  ]

  it.each(faults)('which is Redis and %s, every route that needs it says so', async (_, fault) => {
    fault(site.redis)
    expect(await answersTo(readsOfRedis)).toEqual(named('Redis', readsOfRedis))
  })

  it.each(faults.slice(0, 2))(
    'which is Redis and %s, writes say so as well, and the rest is answered',
    async (_, fault) => {
      fault(site.redis)
      expect(await answersTo(writesOfRedis, { method: 'POST' })).toEqual(named('Redis', writesOfRedis))
      expect((await site.request('/api/stats')).status).toBe(200)
    },
  )

  it.each(faults)('which is Postgres and %s, every route that needs it says so', async (_, fault) => {
    fault(site.postgres)
    expect(await answersTo(readsOfPostgres)).toEqual(named('Postgres', readsOfPostgres))
  })

  it('a replay says so as well', async () => {
    const body = JSON.stringify({ filter: { type: 'campaign.updated' } })
    site.postgres.swallows = true
    site.postgres.silence('command', 'answer')
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
    expect(await answersTo(['/api/replays'], init)).toEqual(named('Postgres', ['/api/replays']))
  })

  it('the metrics omit the figures of the installation, and answer', async () => {
    for (const proxy of [site.redis, site.postgres]) {
      proxy.swallows = true
      proxy.silence('command', 'answer')
    }
    const metrics = await (await site.request('/metrics')).text()
    expect(metrics).toMatch(/warmhook_collect_failures_total\{.*\} [1-9]/)
    expect(metrics).not.toMatch(/^warmhook_ledger_events\{/m)
    expect((await site.request('/healthz')).status).toBe(200)
  })

  it('a browser gets a page that retries, a script gets problem details', async () => {
    site.redis.refuses = true
    site.redis.resetAll()
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
    for (const path of ['/', '/queues', '/api/ledger']) {
      const page = await site.request(path, { headers: { accept } })
      expect([path, page.status, page.headers.get('content-type')]).toEqual([path, 503, 'text/html; charset=utf-8'])
      const text = await page.text()
      expect(text).toContain('Redis does not answer')
      expect(text).toContain('http-equiv="refresh"')
    }
    const answer = await site.request('/api/ledger')
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ status: 503, title: 'Service Unavailable' })
  })

  it('a long statement is waited for while Postgres is running it', async () => {
    const release = await site.holdUpEvents()
    const answer = site.request('/api/events')
    await delay(3_800)
    await release()
    expect((await answer).status).toBe(200)
  })

  it('and both answer again, everything works as before', async () => {
    for (const proxy of [site.redis, site.postgres]) {
      proxy.refuses = true
      proxy.resetAll()
    }
    expect(await answersTo(['/api/ledger'])).toEqual(named('Redis and Postgres', ['/api/ledger']))
    for (const proxy of [site.redis, site.postgres]) proxy.refuses = false
    for (const path of [...readsOfRedis, '/api/stats'])
      await eventually(async () => expect((await site.request(path)).status).toBe(200))
  })
})
