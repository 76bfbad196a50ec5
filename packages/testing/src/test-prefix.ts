import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { testServices } from './provided-context.ts'

/** A key prefix in the tests' Redis that belongs to one test. Disposing it deletes the keys with this prefix. */
export interface TestPrefix extends AsyncDisposable {
  /** In braces, so that all keys of a test share one slot in a cluster. */
  readonly prefix: string
  readonly redisUrl: string
}

/** A unique key prefix, by default on the Redis that the global setup started. */
export function testPrefix(redisUrl: string = testServices().redisUrl): TestPrefix {
  const prefix = `{t-${randomUUID()}}`
  return { prefix, redisUrl, [Symbol.asyncDispose]: () => deleteKeys(redisUrl, `${prefix}*`) }
}

async function deleteKeys(redisUrl: string, pattern: string): Promise<void> {
  const client = new Redis(redisUrl)
  try {
    for await (const keys of client.scanStream({ match: pattern, count: 1_000 })) {
      if (isNonEmptyList(keys)) await client.unlink(keys)
    }
  } finally {
    client.disconnect()
  }
}

function isNonEmptyList(keys: unknown): keys is string[] {
  return Array.isArray(keys) && keys.length > 0
}
