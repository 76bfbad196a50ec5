import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { describe, expect, it } from 'vitest'
import { connectConsumer, disconnect } from './connections.ts'
import { findLossySettings, warnOfRedisSettings } from './warn-of-redis-settings.ts'

/** A connection to a new Redis started with these arguments. */
async function open(stack: AsyncDisposableStack, ...extraArgs: readonly string[]) {
  const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-redis-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const server = stack.use(await startRedisServer({ dataDir, extraArgs }))
  const redis = connectConsumer({ url: server.url, onError: () => undefined })
  stack.defer(() => disconnect(redis))
  return redis
}

describe('findLossySettings', () => {
  it.each([
    { args: [], found: [] },
    { args: ['--maxmemory-policy', 'allkeys-lru'], found: [expect.stringContaining('maxmemory-policy allkeys-lru')] },
    { args: ['--maxmemory-policy', 'volatile-ttl'], found: [expect.stringContaining('maxmemory-policy volatile-ttl')] },
    { args: ['--appendonly', 'no'], found: [expect.stringContaining('Set appendonly yes')] },
  ])('finds the lossy settings of $args', async ({ args, found }) => {
    await using stack = new AsyncDisposableStack()
    expect(await findLossySettings(await open(stack, ...args))).toEqual(found)
  })
})

describe('warnOfRedisSettings', () => {
  it('warns when Redis is connected', async () => {
    await using stack = new AsyncDisposableStack()
    const redis = await open(stack, '--appendonly', 'no')
    const warned = Promise.withResolvers<string>()
    warnOfRedisSettings(redis, { warn: warned.resolve, onError: warned.reject })
    expect(await warned.promise).toContain('Set appendonly yes')
  })
})
