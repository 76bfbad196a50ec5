import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { superviseRedisServer, type SupervisionEvent } from './supervise-redis-server.ts'

describe('superviseRedisServer', () => {
  let dataDir: string
  let events: SupervisionEvent[]
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'warmhook-redis-'))
    events = []
  })
  afterEach(() => rm(dataDir, { recursive: true, force: true }))

  const next = (status: SupervisionEvent['status']) => {
    const seen = Promise.withResolvers<void>()
    return {
      seen: seen.promise,
      onEvent: (event: SupervisionEvent) => void (events.push(event), event.status === status && seen.resolve()),
    }
  }

  it('restarts a killed server with its data, at the same address', async () => {
    const { seen, onEvent } = next('restarted')
    const onGiveUp = (error: Error): never => expect.fail(error.message)
    await using server = await superviseRedisServer({ dataDir, password: true, onEvent, onGiveUp })
    const client = new Redis(server.url)
    client.on('error', () => undefined)
    await client.set('kept', 'yes')
    const { pid } = server
    process.kill(pid, 'SIGKILL')
    await seen
    expect(await client.get('kept')).toBe('yes')
    client.disconnect()
    expect(server.pid).not.toBe(pid)
    expect(events).toEqual([
      { status: 'ended', exit: { code: null, signal: 'SIGKILL' } },
      { status: 'restarted', pid: server.pid },
    ])
  })

  it('replaces a hung server', async () => {
    const { seen, onEvent } = next('restarted')
    const onGiveUp = (error: Error): never => expect.fail(error.message)
    const silence = { everyMs: 50, timeoutMs: 200, questions: 3 }
    await using server = await superviseRedisServer({ dataDir, password: true, silence, onEvent, onGiveUp })
    const client = new Redis(server.url)
    client.on('error', () => undefined)
    await client.set('kept', 'yes')
    process.kill(server.pid, 'SIGSTOP')
    await seen
    expect(await client.get('kept')).toBe('yes')
    client.disconnect()
    expect(events.map(({ status }) => status)).toEqual(['hung', 'ended', 'restarted'])
  })

  it('stops for good when disposed, even during a restart', async () => {
    const { seen, onEvent } = next('ended')
    const server = await superviseRedisServer({ dataDir, onEvent, onGiveUp: () => undefined })
    process.kill(server.pid, 'SIGKILL')
    await seen
    await server[Symbol.asyncDispose]()
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
    await using again = await superviseRedisServer({ dataDir, onEvent, onGiveUp: () => undefined })
    expect(again.pid).toBeGreaterThan(0)
  })

  it('gives up on a server that can no longer be started', { timeout: 60_000 }, async () => {
    const gaveUp = Promise.withResolvers<Error>()
    const { onEvent } = next('restarted')
    await using server = await superviseRedisServer({ dataDir, onEvent, onGiveUp: gaveUp.resolve })
    // The data cannot be loaded again: the append-only directory is a file.
    await rm(join(dataDir, 'appendonlydir'), { recursive: true })
    await writeFile(join(dataDir, 'appendonlydir'), 'in the way')
    process.kill(server.pid, 'SIGKILL')
    expect(await gaveUp.promise).toMatchObject({
      name: 'RedisServerError',
      code: 'keeps-ending',
      message: expect.stringMatching(/exited \(SIGKILL\) and could not be restarted: Redis did not start[^]*REDIS_URL/),
    })
    expect(events.filter(({ status }) => status === 'restart failed')).toHaveLength(8)
  })
})
