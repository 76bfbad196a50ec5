import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '@warmhook/redis-server/find-free-port'
import { findRedisBinary } from '@warmhook/redis-server/find-redis-binary'
import { eventually } from '@warmhook/testing/eventually'
import { startTcpProxy, type Direction, type TcpProxy } from '@warmhook/testing/start-tcp-proxy'
import { testPrefix } from '@warmhook/testing/test-prefix'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { connectConsumer, connectProducer, disconnect } from './connections.ts'

const longWait = { timeoutMs: 15_000, intervalMs: 50 }
const silences: readonly (readonly [string, readonly Direction[]])[] = [
  ['both directions go silent', ['command', 'answer']],
  ['commands are lost', ['command']],
  ['replies are lost', ['answer']],
]
const kinds = [
  ['producer', connectProducer],
  ['consumer', connectConsumer],
] as const

interface Line extends AsyncDisposable {
  readonly redis: Redis
  readonly proxy: TcpProxy
  readonly key: string
  /** The names of all errors. */
  readonly errors: readonly string[]
  blocking(): Promise<Redis>
}

/** A connection through its own proxy. */
async function openLine(connect: typeof connectProducer): Promise<Line> {
  const cleanup = new AsyncDisposableStack()
  const keys = cleanup.use(testPrefix())
  const url = new URL(keys.redisUrl)
  const proxy = cleanup.use(await startTcpProxy({ host: url.hostname, port: Number(url.port) }))
  url.host = `127.0.0.1:${proxy.port}`
  const errors: string[] = []
  const own = async (redis: Redis): Promise<Redis> => {
    cleanup.defer(() => redis.disconnect())
    await eventually(() => expect(redis.status).toBe('ready'))
    return redis
  }
  const redis = await own(connect({ url: url.href, onError: (error) => void errors.push(error.name) }))
  return {
    redis,
    proxy,
    key: `${keys.prefix}:key`,
    errors,
    blocking: () => own(redis.duplicate().on('error', (error) => void errors.push(error.name))),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

describe.concurrent.each(kinds)('the connection of a %s', (_kind, connect) => {
  it.each(silences)('is replaced when %s and a command is pending', async (_name, directions) => {
    await using line = await openLine(connect)
    const { redis, proxy, key, errors } = line
    proxy.silence(...directions)
    const pending = redis.incr(key).catch(() => 'timed out')
    await eventually(() => expect(proxy.liveLinks).toBe(1), longWait)
    await pending
    expect(errors).toContain('SilentConnectionError')
    await eventually(async () => expect(await redis.get(`${key}:other`)).toBeNull())
  })

  it.each(silences)('is replaced when %s and no command is pending', async (_name, directions) => {
    await using line = await openLine(connect)
    line.proxy.silence(...directions)
    await eventually(() => expect(line.proxy.liveLinks).toBe(1), { timeoutMs: 18_000, intervalMs: 50 })
    await eventually(async () => expect(await line.redis.get(line.key)).toBeNull())
  })

  it('is replaced when its handshake gets no reply', async () => {
    await using line = await openLine(connect)
    const { redis, proxy } = line
    proxy.swallows = true
    proxy.resetAll()
    await eventually(() => expect(redis.status).toBe('connect'))
    proxy.swallows = false
    await eventually(() => expect(redis.status).toBe('ready'), longWait)
  })

  it('can be closed while it is silent', async () => {
    await using line = await openLine(connect)
    line.proxy.silence('command', 'answer')
    await disconnect(line.redis)
    await eventually(() => expect(line.redis.status).toBe('end'))
  })
})

describe.concurrent('a connection for blocking reads', () => {
  it('waits for the whole timeout of its command', async () => {
    await using line = await openLine(connectConsumer)
    const blocking = await line.blocking()
    expect(await blocking.bzpopmin(line.key, 9)).toBeNull()
    expect(line.errors).toEqual([])
  })

  it('is replaced when it stays silent beyond that timeout', async () => {
    await using line = await openLine(connectConsumer)
    const blocking = await line.blocking()
    line.proxy.silence('answer')
    expect(await blocking.bzpopmin(line.key, 1)).toBeNull()
    expect(line.errors).toContain('SilentConnectionError')
  })
})

it.concurrent('an abandoned command is not sent again', async () => {
  await using line = await openLine(connectProducer)
  const { redis, proxy, key } = line
  proxy.silence('command', 'answer')
  await expect(redis.incr(key)).rejects.toThrow('timed out')
  await eventually(() => expect(proxy.liveLinks).toBe(1), longWait)
  await eventually(async () => expect(await redis.get(key)).toBeNull())
})

it.concurrent(
  'sentinel connections, which announce failovers, are replaced when they go silent',
  { timeout: 40_000 },
  async () => {
    await using cleanup = new AsyncDisposableStack()
    const { redisUrl } = cleanup.use(testPrefix())
    const home = await mkdtemp(join(tmpdir(), 'warmhook-sentinel-'))
    cleanup.defer(() => rm(home, { recursive: true, force: true }))
    const { hostname, port } = new URL(redisUrl)
    const sentinelPort = await findFreePort()
    const lines = [`port ${sentinelPort}`, 'bind 127.0.0.1', `sentinel monitor trial ${hostname} ${port} 1`]
    await writeFile(join(home, 'sentinel.conf'), `${lines.join('\n')}\n`)
    const binary = await findRedisBinary()
    const sentinel = spawn(binary.file, [join(home, 'sentinel.conf'), '--sentinel'], { argv0: binary.argv0 })
    cleanup.defer(() => void sentinel.kill('SIGKILL'))
    const proxy = cleanup.use(await startTcpProxy({ host: '127.0.0.1', port: sentinelPort }))
    const errors: string[] = []
    const redis = connectConsumer({
      url: `redis+sentinel://127.0.0.1:${proxy.port}/trial`,
      onError: (error) => void errors.push(error.name),
    })
    cleanup.defer(() => redis.disconnect())
    await eventually(() => expect(redis.status).toBe('ready'), longWait)
    // The connection that asked for the master's address has closed by then.
    await eventually(() => expect(proxy.liveLinks).toBe(1), longWait)
    proxy.silence('answer')
    expect(proxy.liveLinks).toBe(0)
    await eventually(() => expect(proxy.liveLinks).toBe(1), { timeoutMs: 30_000, intervalMs: 50 })
    expect(errors).toContain('SilentConnectionError')
  },
)
