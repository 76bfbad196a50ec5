import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppendFsync } from '@warmhook/redis-server/redis-config'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { startLocalPostgres } from '@warmhook/testing/local-postgres'

export interface Service {
  readonly url: string
  readonly pid: number
}

/** Starts a Redis with an append-only file in its own directory. It stops when the stack is disposed. */
export async function startRedis(stack: AsyncDisposableStack, appendfsync: AppendFsync = 'everysec'): Promise<Service> {
  const dataDir = await mkdtemp(join(tmpdir(), 'warmhook-bench-redis-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  return stack.use(await startRedisServer({ dataDir, appendfsync }))
}

/**
 * Starts a Postgres with default settings, which flush every commit to disk, and with commit timestamps for the final
 * check.
 */
export async function startPostgres(stack: AsyncDisposableStack): Promise<Service> {
  return stack.use(await startLocalPostgres({ track_commit_timestamp: 'on' }))
}
