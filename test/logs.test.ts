import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { createTestDatabase } from '@warmhook/testing/create-test-database'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFaults, parseLines } from './support/parse-lines.ts'

const key = 'a-key-of-at-least-128-bits'
const nowhere = { redis: 'redis://127.0.0.1:1', postgres: 'postgres://nobody@127.0.0.1:1/none' }
const servers = ['ingress', 'worker', 'board'] as const
const ports = { ingress: 'INGRESS_PORT', worker: 'WORKER_PORT', board: 'BOARD_PORT' } as const

describe('every log line is JSON, and no kind of line is logged more than once per second', () => {
  const stack = new AsyncDisposableStack()
  let settings: Readonly<Record<string, string>>
  let silent: Server
  let directory: string
  beforeAll(async () => {
    const keys = stack.use(testPrefix())
    const database = stack.use(await createTestDatabase())
    directory = await mkdtemp(join(tmpdir(), 'warmhook logs '))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    // Accepts connections and never answers.
    silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    stack.defer(() => void silent.close())
    await once(silent, 'listening')
    settings = {
      REDIS_URL: keys.redisUrl,
      DATABASE_URL: database.url,
      QUEUE_PREFIX: keys.prefix,
      WARMHOOK_ENDPOINT_KEY: key,
      BOARD_PASSWORD: 'board-password',
      INGRESS_PORT: '0',
      BOARD_PORT: '0',
      WORKER_PORT: '0',
    }
  })
  afterAll(() => stack.disposeAsync())

  const start = (name: string, env: Readonly<Record<string, string>>): Promise<SpawnedApp> =>
    spawnApp(`apps/${name}/src/main.ts`, { ...settings, ...env })

  /** Ends a process and returns the faults in its log. */
  async function faultsAtEnd(app: SpawnedApp, signal: NodeJS.Signals = 'SIGKILL'): Promise<readonly string[]> {
    app.kill(signal)
    await app.exited
    return findFaults(app.output())
  }

  async function failureOf(name: string, env: Readonly<Record<string, string>>): Promise<Failure> {
    await using app = await start(name, env)
    return toFailure(await app.exited, app.output())
  }

  describe.each(servers)('%s', { timeout: 120_000 }, (name) => {
    it('with a Redis that is unreachable', async () => {
      await using app = await start(name, { REDIS_URL: nowhere.redis })
      await app.waitForLine(/ECONNREFUSED.*"repeated":\d/, 90_000)
      expect(await faultsAtEnd(app)).toEqual([])
    })

    it('with a Redis that accepts connections and never answers', async () => {
      await using app = await start(name, { REDIS_URL: `redis://127.0.0.1:${portOf(silent)}` })
      await app.waitForLine(/"msg":"redis/, 40_000)
      expect(await faultsAtEnd(app)).toEqual([])
    })

    it('with a Redis that rejects the password', async () => {
      await using redis = await startRedisServer({ dataDir: join(directory, `${name} password`), password: true })
      await using app = await start(name, { REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` })
      await app.waitForLine(/WRONGPASS/)
      expect(await faultsAtEnd(app)).toEqual([])
    })

    it('with a Redis that is full, then unreachable', async () => {
      await using redis = await startRedisServer({ dataDir: join(directory, `${name} full`), maxmemory: '1kb' })
      await using app = await start(name, { REDIS_URL: redis.url })
      if (name === 'worker') await app.waitForLine(/OOM command not allowed.*"repeated":\d/)
      else await app.waitForLine(/"url":"http/)
      redis.kill('SIGKILL')
      await app.waitForLine(/ECONNREFUSED/)
      expect(await faultsAtEnd(app)).toEqual([])
    })

    it('with invalid settings', async () => {
      expect(await failureOf(name, { REDIS_URL: 'http://wrong', [ports[name]]: 'many' })).toEqual(
        failed(new RegExp(`REDIS_URL[^]*${ports[name]}`)),
      )
    })

    it('with a port that is in use', async () => {
      expect(await failureOf(name, { [ports[name]]: String(portOf(silent)) })).toEqual(failed(/is in use/))
    })
  })

  it('worker with a Postgres that is unreachable', async () => {
    expect(await failureOf('worker', { DATABASE_URL: nowhere.postgres })).toEqual(failed(/ECONNREFUSED/))
  })

  it('board with a Postgres that is unreachable', async () => {
    await using app = await start('board', { DATABASE_URL: nowhere.postgres })
    const [, url] = await app.waitForLine(/"url":"(http:[^"]+)"/)
    const authorization = `Basic ${Buffer.from('admin:board-password').toString('base64')}`
    for (let count = 0; count < 5; count++)
      expect(await fetch(`${url}/api/ledger`, { headers: { authorization } })).toMatchObject({ status: 503 })
    expect(await faultsAtEnd(app)).toEqual([])
  })

  it('ingress without Redis counts the refused webhooks', async () => {
    await using app = await start('ingress', { REDIS_URL: nowhere.redis })
    const [, url] = await app.waitForLine(/"url":"(http:[^"]+)"/)
    const post = () => fetch(`${url}/webhooks/mailivery/${key}`, { method: 'POST', body: '{}' })
    const answers = await Promise.all(Array.from({ length: 200 }, post))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    await eventually(async () => expect(countOf(app.output(), 'webhook refused')).toBe(200))
    expect(await faultsAtEnd(app, 'SIGTERM')).toEqual([])
  })

  it('ingress with a spool logs when spooling starts and ends', async () => {
    const dataDir = join(directory, 'spooling')
    const first = await startRedisServer({ dataDir })
    await using app = await start('ingress', { REDIS_URL: first.url, SPOOL_DIR: join(directory, 'spool') })
    const [, url] = await app.waitForLine(/"url":"(http:[^"]+)"/)
    const post = () => fetch(`${url}/webhooks/mailivery/${key}`, { method: 'POST', body: '{}' })
    await first.stop()
    for (let count = 0; count < 10; count++) expect(await post()).toMatchObject({ status: 202 })
    await using second = await startRedisServer({ dataDir, port: first.port })
    expect(second.port).toBe(first.port)
    await app.waitForLine(/webhooks go to Redis again/)
    expect(await faultsAtEnd(app)).toEqual([])
    const count = (text: string): number => app.output().split(text).length - 1
    expect([count('webhooks go to the spool'), count('webhooks go to Redis again')]).toEqual([1, 1])
  })

  it('sandbox with a Postgres that is unreachable', async () => {
    const child = fork(join(import.meta.dirname, '../apps/worker/src/sandbox/main.ts'), {
      env: { ...settings, DATABASE_URL: nowhere.postgres },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
    const ended = once(child, 'close')
    const event = { id: randomUUID(), owner: 'default', campaignId: 1, receivedAt: 1 }
    const answered = once(child, 'message')
    child.send({ kind: 'event', handler: 'pause-tracking', event, timeoutMs: 1_000 })
    const [answer] = await answered
    expect(answer).toMatchObject({ kind: 'unavailable' })
    await ended
    expect(findFaults(output)).toEqual([])
  })

  describe('standalone, whose standard output is human-readable', { timeout: 150_000 }, () => {
    const own = (name: string, env: Readonly<Record<string, string>>): Promise<SpawnedApp> =>
      spawnApp('apps/standalone/src/main.ts', {
        DATA_DIR: join(directory, name),
        INGRESS_PORT: '0',
        BOARD_PORT: '0',
        ...env,
      })

    async function failureOfOwn(name: string, env: Readonly<Record<string, string>>): Promise<Failure> {
      await using app = await own(name, env)
      return toFailure(await app.exited, app.output('stderr'))
    }

    it('with a Redis that is unreachable', async () => {
      await using app = await own('redis', { REDIS_URL: nowhere.redis })
      await app.waitForLine(/ECONNREFUSED.*"repeated":\d/, 90_000)
      app.kill('SIGKILL')
      await app.exited
      expect(findFaults(app.output('stderr'))).toEqual([])
    })

    it('with a Postgres that is unreachable', async () => {
      expect(await failureOfOwn('postgres', { DATABASE_URL: nowhere.postgres })).toEqual(failed(/ECONNREFUSED/))
    })

    it('with invalid settings', async () => {
      expect(await failureOfOwn('settings', { BATCH_MAX: 'many' })).toEqual(failed(/BATCH_MAX/))
    })

    it('with a port that is in use', async () => {
      expect(await failureOfOwn('port', { BOARD_PORT: String(portOf(silent)) })).toEqual(failed(/is in use/))
    })
  })
})

interface Failure {
  readonly code: number | null
  readonly faults: readonly string[]
  /** The fatal messages, which say why the process exited. */
  readonly fatal: readonly unknown[]
}

function toFailure({ code }: { readonly code: number | null }, output: string): Failure {
  const fatal = parseLines(output).filter(({ level }) => level === 60)
  return { code, faults: findFaults(output), fatal: fatal.map(({ msg }) => msg) }
}

/** The number of errors that the lines with this message represent. */
function countOf(output: string, message: string): number {
  const lines = parseLines(output).filter(({ msg }) => msg === message)
  return lines.reduce((sum, { repeated = 1 }) => sum + Number(repeated), 0)
}

const failed = (reason: RegExp) => ({ code: 1, faults: [], fatal: [expect.stringMatching(reason)] })

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
