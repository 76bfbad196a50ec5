import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSharedPause } from './create-shared-pause.ts'

let keys: TestPrefix
let redis: Redis
beforeEach(() => {
  keys = testPrefix()
  redis = new Redis(keys.redisUrl)
})
afterEach(async () => {
  await keys[Symbol.asyncDispose]()
  redis.disconnect()
})

const open = () => createSharedPause('pause', { redis, prefix: keys.prefix })

describe('a shared pause', () => {
  it('is over by default', async () => {
    expect(await open().remainingMs()).toBe(0)
  })

  it('is the same for all workers, and can be extended but not shortened', async () => {
    await open().extend(60_000)
    await open().extend(5_000)
    expect(await open().remainingMs()).toBeGreaterThan(50_000)
    await open().extend(90_000)
    expect(await open().remainingMs()).toBeGreaterThan(80_000)
    expect(await open().remainingMs()).toBeLessThanOrEqual(90_000)
  })
})
