import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RedisServer } from './redis-server.ts'
import { type RedisServerOptions, startRedisServer } from './start-redis-server.ts'

describe('startRedisServer', () => {
  let dataDir: string

  beforeEach(async () => {
    // A name that needs quoting, as a user's folder may.
    dataDir = await mkdtemp(join(tmpdir(), 'warmhook "redis" '))
  })

  afterEach(async () => {
    await rm(dataDir, { recursive: true, force: true })
  })

  async function startOwner() {
    const owner = fork(join(import.meta.dirname, 'fixtures', 'own-a-server.ts'), [dataDir], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const [orphan] = (await once(owner, 'message')) as [{ pid: number; url: string }]
    return { owner, orphan }
  }

  async function rewriteClaim(change: (claim: object) => object): Promise<void> {
    const path = join(dataDir, 'warmhook-redis.json')
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')) as object)))
  }

  it('keeps its data across a restart on the same port', async () => {
    const first = await startRedisServer({ dataDir })
    await using(first, (client) => client.set('kept', 'yes'))
    await first.stop()
    await expect(first.exited).resolves.toEqual({ code: 0, signal: null })

    await using second = await startRedisServer({ dataDir, port: first.port })
    expect(second.pid).not.toBe(first.pid)
    await expect(using(second, (client) => client.get('kept'))).resolves.toBe('yes')
  })

  it('keeps flushed data when it is killed', async () => {
    const first = await startRedisServer({ dataDir, appendfsync: 'always' })
    await using(first, (client) => client.set('kept', 'yes'))
    first.kill('SIGKILL')
    await expect(first.exited).resolves.toEqual({ code: null, signal: 'SIGKILL' })

    await using second = await startRedisServer({ dataDir, port: first.port })
    await expect(using(second, (client) => client.get('kept'))).resolves.toBe('yes')
  })

  it('is durable, never evicts and requires the password', async () => {
    await using server = await startRedisServer({
      dataDir,
      password: true,
      maxmemory: '64mb',
      extraArgs: ['--hz', '50'],
    })
    const settings = await using(server, (client) =>
      client.config('GET', 'appendonly', 'appendfsync', 'maxmemory-policy', 'maxmemory', 'save', 'bind', 'hz'),
    )
    expect(toPairs(settings)).toEqual({
      appendonly: 'yes',
      appendfsync: 'everysec',
      'maxmemory-policy': 'noeviction',
      maxmemory: String(64 * 1024 * 1024),
      save: '',
      bind: '127.0.0.1',
      hz: '50',
    })
    const stranger = new Redis({ port: server.port, host: '127.0.0.1', lazyConnect: true, enableReadyCheck: false })
    stranger.on('error', () => {})
    await expect(stranger.ping()).rejects.toThrow('NOAUTH')
    stranger.disconnect()
  })

  it('can be stopped twice, and leaves no claim behind', async () => {
    const server = await startRedisServer({ dataDir })
    await Promise.all([server.stop(), server.stop()])
    await expect(readFile(join(dataDir, 'warmhook-redis.json'))).rejects.toThrow('ENOENT')
  })

  it('takes over from a server whose owner was killed', async () => {
    const { owner, orphan } = await startOwner()
    const client = new Redis(orphan.url)
    await client.set('kept', 'yes')
    client.disconnect()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    expect(() => process.kill(orphan.pid, 0)).not.toThrow()

    await using server = await startRedisServer({ dataDir })
    expect(() => process.kill(orphan.pid, 0)).toThrow('ESRCH')
    await expect(using(server, (other) => other.get('kept'))).resolves.toBe('yes')
  })

  it('leaves an unrelated process alone that has the pid of a former server', async () => {
    await writeFile(
      join(dataDir, 'warmhook-redis.json'),
      JSON.stringify({ ownerPid: 2 ** 22 + 1, server: { pid: process.ppid, port: 1 } }),
    )
    await using server = await startRedisServer({ dataDir })
    expect(server.pid).toBeGreaterThan(0)
    expect(() => process.kill(process.ppid, 0)).not.toThrow()
  })

  it('refuses a data directory whose server has a live owner', async () => {
    await using server = await startRedisServer({ dataDir })
    await expect(startRedisServer({ dataDir })).rejects.toMatchObject({
      name: 'RedisServerError',
      code: 'data-dir-locked',
      message: expect.stringContaining(`pid ${server.pid}`),
    })
    await expect(using(server, (client) => client.ping())).resolves.toBe('PONG')
  })

  it('starts immediately even if another program now has the pid of a dead owner', async () => {
    await writeFile(join(dataDir, 'warmhook-redis.json'), JSON.stringify({ ownerPid: process.ppid }))
    await using server = await startRedisServer({ dataDir })
    await expect(using(server, (client) => client.ping())).resolves.toBe('PONG')
  })

  it('takes over from an orphan even if another program now has its owner’s pid', async () => {
    const { owner, orphan } = await startOwner()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await rewriteClaim((claim) => ({ ...claim, ownerPid: process.ppid }))
    await using server = await startRedisServer({ dataDir })
    expect(server.pid).not.toBe(orphan.pid)
    expect(() => process.kill(orphan.pid, 0)).toThrow('ESRCH')
  })

  it('does not start next to a hung orphan, which may resume at any time', async () => {
    const { owner, orphan } = await startOwner()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    process.kill(orphan.pid, 'SIGSTOP')
    await expect(startRedisServer({ dataDir })).rejects.toMatchObject({
      code: 'data-dir-locked',
      message: expect.stringContaining(`process ${orphan.pid} uses it and does not answer; stop that process first`),
    })
    process.kill(orphan.pid, 'SIGCONT')
    await using server = await startRedisServer({ dataDir })
    expect(server.pid).not.toBe(orphan.pid)
  })

  it('refuses a data directory whose owner has the same pid, as in another container', async () => {
    const { owner, orphan } = await startOwner()
    await rewriteClaim(() => ({ ownerPid: 2 ** 22 + 1 }))
    await expect(startRedisServer({ dataDir })).rejects.toMatchObject({ code: 'data-dir-locked' })
    expect(() => process.kill(orphan.pid, 0)).not.toThrow()
    owner.kill('SIGTERM')
    await once(owner, 'exit')
  })

  it('starts even if an unrelated process has a server’s pid and is silent at its port', async () => {
    await using silent = await listen()
    const claim = { ownerPid: process.ppid, server: { pid: process.ppid, port: silent.port } }
    await writeFile(join(dataDir, 'warmhook-redis.json'), JSON.stringify(claim))
    await using server = await startRedisServer({ dataDir })
    expect(server.port).not.toBe(silent.port)
  })

  it('starts even if a claim was truncated by a crash', async () => {
    await writeFile(join(dataDir, 'warmhook-redis.json'), '{"ownerPid":')
    await using server = await startRedisServer({ dataDir })
    await expect(using(server, (client) => client.ping())).resolves.toBe('PONG')
  })

  it('reports that the port is in use', async () => {
    await using taken = await listen()
    await expect(startRedisServer({ dataDir, port: taken.port })).rejects.toMatchObject({ code: 'port-in-use' })
  })

  it('reports that no server program was found', async () => {
    const binaries: RedisServerOptions['binaries'] = [
      { file: 'no-such-redis-server', argv0: 'redis-server' },
      { file: process.execPath, argv0: 'node' },
    ]
    await expect(startRedisServer({ dataDir, binaries })).rejects.toMatchObject({
      code: 'binary-missing',
      message: expect.stringContaining('node scripts/setup.mjs'),
    })
  })

  it('shows the last log lines of a server that did not start', async () => {
    const lines: string[] = []
    const failed = startRedisServer({ dataDir, extraArgs: ['--no-such-option', '1'], log: (line) => lines.push(line) })
    await expect(failed).rejects.toMatchObject({
      code: 'did-not-start',
      message: expect.stringContaining('FATAL CONFIG FILE ERROR'),
    })
    expect(lines.join('\n')).toContain('no-such-option')
    await using server = await startRedisServer({ dataDir })
    expect(server.port).toBeGreaterThan(0)
  })
})

async function using<T>(server: RedisServer, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url)
  try {
    return await ask(client)
  } finally {
    client.disconnect()
  }
}

async function listen(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return { port: address.port, [Symbol.asyncDispose]: async () => void server.close() }
}

function toPairs(flat: unknown): Record<string, unknown> {
  if (!Array.isArray(flat)) throw new TypeError('CONFIG GET did not return a list')
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, index) => [String(flat[2 * index]), flat[2 * index + 1]]),
  )
}
