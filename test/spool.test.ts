import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openQueue } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import type { RedisServer } from '@warmhook/redis-server/redis-server'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { EnvelopeBatch } from '@warmhook/schema/batch'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const key = 'a-key-of-at-least-128-bits'
let stack: AsyncDisposableStack
let directory: string
let redis: RedisServer
let port: number

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  directory = await mkdtemp(join(tmpdir(), 'warmhook-spool-e2e-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  port = await findFreePort()
  await startRedis()
  stack.defer(() => redis.stop())
})
afterEach(() => stack.disposeAsync())

/** On the same port and data each time. */
async function startRedis(): Promise<void> {
  redis = await startRedisServer({ dataDir: join(directory, 'redis'), port })
}

async function startIngress(
  env: Readonly<Record<string, string>> = {},
): Promise<SpawnedApp & { readonly url: string }> {
  const app = stack.use(
    await spawnApp('apps/ingress/src/main.ts', {
      REDIS_URL: `redis://127.0.0.1:${port}`,
      WARMHOOK_ENDPOINT_KEY: key,
      INGRESS_PORT: '0',
      SPOOL_DIR: join(directory, 'spool'),
      ...env,
    }),
  )
  const [, url = ''] = await app.waitForLine(/"url":"(http:[^"]+)"/)
  return Object.assign(app, { url })
}

interface Answer {
  readonly status: number
  readonly id: string
  readonly retryAfter: string | null
}

async function send(url: string, body = '{"type":"campaign.updated"}'): Promise<Answer> {
  const response = await fetch(`${url}/webhooks/mailivery/${key}`, { method: 'POST', body })
  const answer = (await response.json()) as { id?: string }
  return { status: response.status, id: answer.id ?? '', retryAfter: response.headers.get('retry-after') }
}

const sendMany = (url: string, count: number): Promise<readonly Answer[]> =>
  Promise.all(Array.from({ length: count }, () => send(url)))

/** The ids of all envelopes in the intake queue, in order, as often as they are there. */
async function readIntake(): Promise<readonly string[]> {
  const connection = connectConsumer({ url: redis.url, onError: () => undefined })
  const queue = openQueue(intakeQueue, connection, { prefix: '{wh0}', onError: () => undefined })
  try {
    const jobs = await queue.getJobs(['waiting'], 0, -1, true)
    return jobs.flatMap((job) => EnvelopeBatch.parse(job.data).envelopes.map(({ id }) => id)).toSorted()
  } finally {
    await queue.close()
    await disconnect(connection)
  }
}

async function arrivesOnce(answers: readonly Answer[]): Promise<void> {
  const acked = answers.filter(({ status }) => status === 202).map(({ id }) => id)
  await eventually(async () => expect(await readIntake()).toEqual(acked.toSorted()), {
    timeoutMs: 15_000,
    intervalMs: 100,
  })
}

describe('the ingress with a spool', () => {
  it('accepts while Redis is away, also across its own SIGKILL, and brings everything to Redis once', async () => {
    const ingress = await startIngress()
    const before = await sendMany(ingress.url, 20)
    await redis.stop()
    const during = await sendMany(ingress.url, 50)
    ingress.kill('SIGKILL')
    await ingress.exited
    const restarted = await startIngress()
    const later = await sendMany(restarted.url, 30)
    const answers = [...before, ...during, ...later]
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await startRedis()
    await arrivesOnce(answers)
  })

  it('accepts while Redis hangs, and doubles nothing that Redis has taken all the same', async () => {
    const ingress = await startIngress()
    await send(ingress.url)
    redis.kill('SIGSTOP')
    const answers = await sendMany(ingress.url, 20)
    redis.kill('SIGCONT')
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await eventually(async () => expect(await readIntake()).toHaveLength(21), { timeoutMs: 15_000, intervalMs: 100 })
  })

  it('has answered for nothing that a kill of both Redis and itself could take', async () => {
    const ingress = await startIngress()
    const before = await sendMany(ingress.url, 20)
    redis.kill('SIGSTOP')
    const during = await sendMany(ingress.url, 20)
    redis.kill('SIGKILL')
    ingress.kill('SIGKILL')
    await Promise.all([redis.exited, ingress.exited])
    await startRedis()
    await startIngress()
    const answers = [...before, ...during]
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await arrivesOnce(answers)
  })

  it('keeps Redis below its memory limit', async () => {
    const ingress = await startIngress()
    await arrivesOnce([await send(ingress.url)])
    const admin = connectConsumer({ url: redis.url, onError: () => undefined })
    stack.defer(() => disconnect(admin))
    await admin.setrange('ballast', 10 * 1024 * 1024, 'x')
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
    await admin.config('SET', 'maxmemory', String(Math.round(used / 0.9)))
    await eventually(
      async () => {
        await send(ingress.url)
        expect(await (await fetch(`${ingress.url}/metrics`)).text()).toMatch(/warmhook_spool_jobs\{.*\} [1-9]/)
      },
      { timeoutMs: 15_000, intervalMs: 100 },
    )
    const jobsInRedis = (await readIntake()).length
    const answers = await sendMany(ingress.url, 20)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(await readIntake()).toHaveLength(jobsInRedis)
    await admin.del('ballast')
    await eventually(
      async () => expect(await (await fetch(`${ingress.url}/metrics`)).text()).toMatch(/warmhook_spool_jobs\{.*\} 0/),
      { timeoutMs: 15_000, intervalMs: 100 },
    )
    expect((await readIntake()).length).toBeGreaterThanOrEqual(jobsInRedis + 20)
  })

  it('answers 503 with Retry-After when the spool is full, and loses nothing that it accepted', async () => {
    const ingress = await startIngress({ SPOOL_MAX_BYTES: '131072' })
    await redis.stop()
    const answers: Answer[] = []
    for (let count = 0; count < 30; count += 1) answers.push(await send(ingress.url, 'x'.repeat(10_000)))
    const refused = answers.filter(({ status }) => status !== 202)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(30)
    for (const answer of refused) expect([answer.status, answer.retryAfter]).toEqual([503, '2'])
    expect((await fetch(`${ingress.url}/readyz`)).status).toBe(503)
    await startRedis()
    await arrivesOnce(answers)
  })

  it('does not start on a spool that another ingress has', async () => {
    await startIngress()
    await expect(startIngress()).rejects.toThrow(/another process has it: give each ingress a SPOOL_DIR of its own/)
  })
})
