import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
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

/** Starts Redis, with the same port and data each time. */
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

/** The sorted ids of all envelopes in the intake queue, including repetitions. */
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

/** Waits until all webhooks, and then one sent afterwards, are in Redis; none may be there twice. */
async function arrivesOnce(answers: readonly Answer[], url: string): Promise<void> {
  const acked = answers.filter(({ status }) => status === 202).map(({ id }) => id)
  const patience = { timeoutMs: 15_000, intervalMs: 100 }
  await eventually(async () => expect(await readIntake()).toEqual(expect.arrayContaining(acked)), patience)
  await eventually(async () => expect(await spooledJobs(url)).toBe(0), patience)
  const last = await send(url)
  expect(last.status).toBe(202)
  await eventually(async () => expect(await readIntake()).toContain(last.id), patience)
  expect(await readIntake()).toEqual([...acked, last.id].toSorted())
}

async function spooledJobs(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^warmhook_spool_jobs\{.*\} (\d+)$/m.exec(metrics)?.[1])
}

async function setClock(file: string, offsetMs: number): Promise<void> {
  await writeFile(file, String(offsetMs))
}

/** Milliseconds since the epoch, as in the id. */
function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

async function rememberedTime(): Promise<number> {
  return Number(await readFile(join(directory, 'spool', 'latest-received-at'), 'utf8'))
}

describe('the ingress with a spool', () => {
  it('accepts webhooks while Redis is unreachable, even across a SIGKILL, and adds each to Redis once', async () => {
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
    await arrivesOnce(answers, restarted.url)
  })

  it('accepts webhooks while Redis hangs, and doubles none that Redis has stored after all', async () => {
    const ingress = await startIngress()
    const before = await send(ingress.url)
    redis.kill('SIGSTOP')
    const answers = await sendMany(ingress.url, 20)
    redis.kill('SIGCONT')
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await arrivesOnce([before, ...answers], ingress.url)
  })

  it('loses no accepted webhook when Redis and the ingress are both killed', async () => {
    const ingress = await startIngress()
    const before = await sendMany(ingress.url, 20)
    redis.kill('SIGSTOP')
    const during = await sendMany(ingress.url, 20)
    redis.kill('SIGKILL')
    ingress.kill('SIGKILL')
    await Promise.all([redis.exited, ingress.exited])
    await startRedis()
    const restarted = await startIngress()
    const answers = [...before, ...during]
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await arrivesOnce(answers, restarted.url)
  })

  it('keeps Redis below its memory limit', async () => {
    const ingress = await startIngress()
    await eventually(async () => expect((await fetch(`${ingress.url}/readyz`)).status).toBe(200))
    const admin = connectConsumer({ url: redis.url, onError: () => undefined })
    stack.defer(() => disconnect(admin))
    await admin.setrange('ballast', 10 * 1024 * 1024, 'x')
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
    const accepted: Answer[] = []
    await admin.config('SET', 'maxmemory', String(Math.round(used / 0.9)))
    await eventually(
      async () => {
        accepted.push(await send(ingress.url))
        expect(await spooledJobs(ingress.url)).toBeGreaterThan(0)
      },
      { timeoutMs: 15_000, intervalMs: 100 },
    )
    const jobsInRedis = (await readIntake()).length
    const answers = await sendMany(ingress.url, 20)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(await readIntake()).toHaveLength(jobsInRedis)
    await admin.del('ballast')
    await arrivesOnce([...accepted, ...answers], ingress.url)
  })

  it('answers 503 with Retry-After when the spool is full, and loses no accepted webhook', async () => {
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
    await arrivesOnce(answers, ingress.url)
  })

  it('takes over the spool of the ingress that it replaces, and is not ready before that', async () => {
    const old = await startIngress()
    await redis.stop()
    const before = await sendMany(old.url, 20)
    const next = await startIngress()
    const waiting = await fetch(`${next.url}/readyz`)
    expect([waiting.status, await waiting.text()]).toEqual([503, expect.stringContaining('spool')])
    const during = await sendMany(old.url, 20)
    old.kill('SIGTERM')
    await old.exited
    await eventually(async () => expect((await fetch(`${next.url}/readyz`)).status).toBe(200), { timeoutMs: 15_000 })
    const after = await sendMany(next.url, 20)
    const answers = [...before, ...during, ...after]
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await startRedis()
    await arrivesOnce(answers, next.url)
  })

  it('accepts webhooks through Redis while another process holds the spool', async () => {
    await startIngress()
    const next = await startIngress()
    const answers = await sendMany(next.url, 5)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await arrivesOnce(answers, next.url)
  })

  it('loses nothing when ingresses with the same spool are killed one after another', async () => {
    let last = await startIngress()
    await redis.stop()
    const answers: Answer[] = [...(await sendMany(last.url, 10))]
    for (let round = 0; round < 3; round += 1) {
      const next = await startIngress()
      answers.push(...(await sendMany(last.url, 10)))
      last.kill('SIGKILL')
      await eventually(async () => expect((await fetch(`${next.url}/readyz`)).status).toBe(200), { timeoutMs: 15_000 })
      answers.push(...(await sendMany(next.url, 10)))
      last = next
    }
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await startRedis()
    await arrivesOnce(answers, last.url)
  }, 60_000)

  it('generates ids that sort after all earlier ones, even if the clock was ahead before a restart', async () => {
    const clock = join(directory, 'clock')
    await writeFile(clock, '0')
    const env = { NODE_OPTIONS: `--import ${pathToFileURL(resolve('test/chaos/stepped-clock.ts')).href}?file=${clock}` }
    const ids: string[] = []
    const sendSome = async (url: string): Promise<void> => {
      for (let sent = 0; sent < 5; sent += 1) ids.push((await send(url)).id)
    }
    const first = await startIngress(env)
    await sendSome(first.url)
    await setClock(clock, 3_600_000)
    await eventually(async () => expect(timeOf((await send(first.url)).id)).toBeGreaterThan(Date.now() + 3_500_000))
    await sendSome(first.url)
    await eventually(async () => expect(await rememberedTime()).toBeGreaterThanOrEqual(timeOf(ids.at(-1) ?? '')))
    first.kill('SIGKILL')
    await first.exited
    await setClock(clock, 0)
    const second = await startIngress(env)
    await sendSome(second.url)
    second.kill('SIGKILL')
    await second.exited
    await redis.stop()
    const third = await startIngress(env)
    await sendSome(third.url)
    expect(ids).toEqual(ids.toSorted())
    await startRedis()
  }, 60_000)
})
