import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import type { Database } from '@warmhook/store/database'
import { openPostgres } from '@warmhook/store/open-database'
import { readOutboxState } from '@warmhook/store/outbox/read-outbox-state'
import { eventually } from '@warmhook/testing/eventually'
import { startFakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { startTcpProxy } from '@warmhook/testing/start-tcp-proxy'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

let stack: AsyncDisposableStack
/** To whom nothing but this test belongs, so that it can be flushed and filled. */
let redis: ReturnType<typeof connectConsumer>

beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync(), 60_000)

/** An installation with a Redis of its own. */
async function install(
  crm: { readonly url: string },
  options: { readonly maxmemory?: string } = {},
): Promise<{ readonly warmhook: Installation; readonly db: Database }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-lost-work-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const server = await startRedisServer({ dataDir, ...options })
  stack.defer(() => server.stop())
  redis = connectConsumer({ url: server.url, onError: () => undefined })
  const admin = redis
  stack.defer(() => disconnect(admin))
  const warmhook = stack.use(
    await startInstallation({
      REDIS_URL: server.url,
      SPOOL_DIR: join(dataDir, 'spool'),
      HUBSPOT_ACCESS_TOKEN: 'pat-test',
      HUBSPOT_BASE_URL: crm.url,
    }),
  )
  const db = openPostgres({
    url: warmhook.env['DATABASE_URL'] ?? '',
    poolSize: 2,
    use: 'lookups',
    onError: () => undefined,
  })
  stack.defer(() => db.destroy())
  return { warmhook, db }
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

/** Waits until every event is routed and every handler has jobs that it does not take. */
async function routed(db: Database, count: number): Promise<void> {
  await eventually(
    async () => {
      const { events } = await db
        .selectFrom('events')
        .select((eb) => eb.fn.countAll<string>().as('events'))
        .executeTakeFirstOrThrow()
      expect(Number(events)).toBe(count)
      const waiting = await Promise.all(handlers.map((name) => keysOf(name)))
      for (const keys of waiting) expect(keys.length).toBeGreaterThan(0)
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  )
}

/** Of the jobs that wait. */
async function keysOf(handler: string): Promise<readonly string[]> {
  const [prefix] = (await redis.keys('*:intake:meta')).map((key) => key.slice(0, -':intake:meta'.length))
  return redis.lrange(`${prefix}:${handler}:wait`, 0, -1)
}

/** Every event was handled once by each handler: one attempt, one pause, one write to the CRM. */
async function expectOnce(db: Database, crm: Awaited<ReturnType<typeof startFakeHubspot>>, count: number) {
  const deliveries = await db.selectFrom('deliveries').select(['status', 'attempts']).execute()
  expect(deliveries).toHaveLength(count * handlers.length)
  expect(deliveries.filter(({ status, attempts }) => status !== 'done' || attempts !== 1)).toEqual([])
  expect(await db.selectFrom('pauses').select('campaign_id').execute()).toHaveLength(count)
  const written = crm.requests.flatMap(({ body }) => (JSON.parse(body) as { inputs: { id: string }[] }).inputs)
  expect(written.map(({ id }) => id).toSorted()).toEqual([...crm.contacts.keys()].toSorted())
  expect(crm.contacts.size).toBe(count)
}

describe('work that Redis has forgotten after routing', { timeout: 240_000 }, () => {
  it('is done within a minute, and nothing twice, when all of Redis was flushed', async () => {
    const crm = stack.use(await startFakeHubspot())
    const { warmhook, db } = await install(crm)
    for (const name of handlers) await warmhook.post(`/api/handlers/${name}/pause`, {})
    await sendProblems(warmhook, 1, 200)
    await routed(db, 200)
    // Also forgets that the handlers are paused.
    await redis.flushall()
    expect(await warmhook.settled(200)).toMatchObject({ processed: 200, dead: 0, missing: 0, balanced: true })
    await expectOnce(db, crm, 200)
    expect((await readOutboxState(db)).recreated).toBeGreaterThan(0)
  })

  it.each(['empty', 'obliterate'])(
    'is done once when somebody chose to %s the queues on Bull Board',
    async (action) => {
      const crm = stack.use(await startFakeHubspot())
      const { warmhook, db } = await install(crm)
      for (const name of handlers) await warmhook.post(`/api/handlers/${name}/pause`, {})
      await sendProblems(warmhook, 1, 20)
      await routed(db, 20)
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
        expect(await keysOf(name)).toEqual([])
        await warmhook.post(`/api/handlers/${name}/resume`, {})
      }
      expect(await warmhook.settled(20)).toMatchObject({ processed: 20, dead: 0, missing: 0, balanced: true })
      await expectOnce(db, crm, 20)
    },
  )
})

describe('a long outage of the CRM with a small Redis', { timeout: 300_000 }, () => {
  it('refuses nobody, leaves Redis room for the intake, and all is delivered afterwards', async () => {
    const total = 20_000
    const megabytes = 8
    const crm = stack.use(await startFakeHubspot())
    const proxy = stack.use(await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(crm.url).port) }))
    const { warmhook, db } = await install({ url: `http://127.0.0.1:${proxy.port}` }, { maxmemory: `${megabytes}mb` })
    proxy.refuses = true
    let highest = 0
    let mostWaiting = 0
    for (let sent = 0; sent < total; sent += 100) {
      await sendProblems(warmhook, sent + 1, 100)
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
