import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { testPrefix } from './test-prefix.ts'

describe('testPrefix', () => {
  it('deletes the keys of its test and no others', async () => {
    await using other = testPrefix()
    const mine = testPrefix()
    const client = new Redis(mine.redisUrl)
    await client.mset(Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [`${mine.prefix}:${index}`, 'x'])))
    await client.set(`${other.prefix}:kept`, 'x')
    await mine[Symbol.asyncDispose]()
    expect([await client.keys(`${mine.prefix}*`), await client.exists(`${other.prefix}:kept`)]).toEqual([[], 1])
    client.disconnect()
  })
})
