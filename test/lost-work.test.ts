import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import type { Database } from '@warmhook/store/database'
import { openPostgres } from '@warmhook/store/open-database'
import { readOutboxState } from '@warmhook/store/outbox/read-outbox-state'
import { eventually } from '@warmhook/testing/eventually'
import { startFakeHubspot, type FakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { startTcpProxy, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

type Redis = ReturnType<typeof connectConsumer>

interface Home extends AsyncDisposable {
  readonly warmhook: Installation
  readonly db: Database
  /** Used by this installation only, so that it can be flushed and filled. */
  readonly redis: Redis
  readonly crm: FakeHubspot
  /** Between the workers and the CRM. */
  readonly proxy: TcpProxy
}

/** An installation with its own Redis and CRM. */
async function install(options: { readonly maxmemory?: string } = {}): Promise<Home> {
  const stack = new AsyncDisposableStack()
  const crm = stack.use(await startFakeHubspot())
  const proxy = stack.use(await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(crm.url).port) }))
  const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-lost-work-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const server = await startRedisServer({ dataDir, ...options })
  stack.defer(() => server.stop())
  const redis = connectConsumer({ url: server.url, onError: () => undefined })
  stack.defer(() => disconnect(redis))
  const warmhook = stack.use(
    await startInstallation({
      REDIS_URL: server.url,
      SPOOL_DIR: join(dataDir, 'spool'),
      HUBSPOT_ACCESS_TOKEN: 'pat-test',
      HUBSPOT_BASE_URL: `http://127.0.0.1:${proxy.port}`,
    }),
  )
  const db = openPostgres({
    url: warmhook.env['DATABASE_URL'] ?? '',
    poolSize: 2,
    use: 'lookups',
    onError: () => undefined,
  })
  stack.defer(() => db.destroy())
  return { warmhook, db, redis, crm, proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const handlers = ['pause-tracking', 'crm-sync']

async function sendProblems(warmhook: Installation, first: number, count: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => first + index).map((id) =>
      warmhook.send(
        JSON.stringify({
          type: 'campaign.connection.problematic',
          reason: 'Smtp Connection Error',
          account: { campaign_id: id, email: `m${id}@b.example` },
        }),
      ),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
}

async function countEvents(db: Database): Promise<number> {
  const { events } = await db
    .selectFrom('events')
    .select((eb) => eb.fn.countAll<string>().as('events'))
    .executeTakeFirstOrThrow()
  return Number(events)
}

/** Waits until every event is routed and every handler has waiting jobs. */
async function routed({ db, redis }: Home, count: number): Promise<void> {
  await eventually(
    async () => {
      expect(await countEvents(db)).toBe(count)
      for (const name of handlers) expect(await keysOf(redis, name)).not.toEqual([])
    },
    { timeoutMs: 60_000, intervalMs: 100 },
  )
}

/** The ids of the waiting jobs. */
async function keysOf(redis: Redis, handler: string): Promise<readonly string[]> {
  const [prefix] = (await redis.keys('*:intake:meta')).map((key) => key.slice(0, -':intake:meta'.length))
  return redis.lrange(`${prefix}:${handler}:wait`, 0, -1)
}

/** Every event was handled once by each handler: one attempt, one pause, one write to the CRM. */
async function expectOnce({ db, crm }: Home, count: number): Promise<void> {
  const deliveries = await db.selectFrom('deliveries').select(['status', 'attempts']).execute()
  expect(deliveries).toHaveLength(count * handlers.length)
  expect(deliveries.filter(({ status, attempts }) => status !== 'done' || attempts !== 1)).toEqual([])
  expect(await db.selectFrom('pauses').select('campaign_id').execute()).toHaveLength(count)
  const written = crm.requests.flatMap(({ body }) => (JSON.parse(body) as { inputs: { id: string }[] }).inputs)
  expect(written.map(({ id }) => id).toSorted()).toEqual([...crm.contacts.keys()].toSorted())
  expect(crm.contacts.size).toBe(count)
}

// Concurrent, because these tests mostly wait for the sweeper.
describe.concurrent('routed work that Redis has lost', { timeout: 240_000 }, () => {
  it('is done once after Redis is flushed', async () => {
    await using home = await install()
    const { warmhook, db, redis } = home
    for (const name of handlers) await warmhook.post(`/api/handlers/${name}/pause`, {})
    await sendProblems(warmhook, 1, 200)
    await routed(home, 200)
    // Also ends the pause of the handlers.
    await redis.flushall()
    expect(await warmhook.settled(200)).toMatchObject({ processed: 200, dead: 0, missing: 0, balanced: true })
    await expectOnce(home, 200)
    expect((await readOutboxState(db)).recreated).toBeGreaterThan(0)
  })

  it.each(['empty', 'obliterate'])(
    'is done only once after the action "%s" on the queues in Bull Board',
    async (action) => {
      await using home = await install()
      const { warmhook, redis } = home
      for (const name of handlers) await warmhook.post(`/api/handlers/${name}/pause`, {})
      await sendProblems(warmhook, 1, 20)
      await routed(home, 20)
      for (const name of handlers) {
        const response = await fetch(`${warmhook.boardUrl}/queues/api/queues/${name}/${action}`, {
          method: 'PUT',
          headers: {
            authorization: `Basic ${btoa(`admin:${warmhook.env['BOARD_PASSWORD']}`)}`,
            origin: warmhook.boardUrl,
            'content-type': 'application/json',
          },
          body: JSON.stringify({ force: true }),
        })
        expect(response.status).toBe(200)
        expect(await keysOf(redis, name)).toEqual([])
        await warmhook.post(`/api/handlers/${name}/resume`, {})
      }
      expect(await warmhook.settled(20)).toMatchObject({ processed: 20, dead: 0, missing: 0, balanced: true })
      await expectOnce(home, 20)
    },
  )
})

describe('a long CRM outage with a small Redis', { timeout: 300_000 }, () => {
  it('refuses no webhook, leaves memory for the intake in Redis, and delivers everything afterwards', async () => {
    const total = 20_000
    const megabytes = 8
    await using home = await install({ maxmemory: `${megabytes}mb` })
    const { warmhook, db, redis, crm, proxy } = home
    proxy.refuses = true
    let highest = 0
    let mostWaiting = 0
    for (let sent = 0; sent < total; sent += 1_000) {
      for (let count = 0; count < 1_000; count += 100) await sendProblems(warmhook, sent + count + 1, 100)
      // Wait for routing: unrouted webhooks do not count towards the handlers' share of memory.
      await eventually(async () => expect(await countEvents(db)).toBe(sent + 1_000), { timeoutMs: 60_000 })
      highest = Math.max(highest, Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]))
      mostWaiting = Math.max(mostWaiting, (await readOutboxState(db)).waiting)
    }
    proxy.refuses = false
    await eventually(async () => expect(crm.contacts.size).toBe(total), { timeoutMs: 120_000, intervalMs: 500 })
    expect(await warmhook.settled(total)).toMatchObject({ processed: total, dead: 0, missing: 0, balanced: true })
    expect(mostWaiting).toBeGreaterThan(0)
    expect(highest).toBeLessThan(0.8 * megabytes * 2 ** 20)
  })
})
