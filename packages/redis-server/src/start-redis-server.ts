import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { claimDataDir } from './claim-data-dir.ts'
import { findFreePort } from './find-free-port.ts'
import { findRedisBinary, type RedisBinary } from './find-redis-binary.ts'
import { launchServer } from './launch-server.ts'
import type { AppendFsync } from './redis-config.ts'
import type { RedisServer } from './redis-server.ts'
import { RedisServerError } from './redis-server-error.ts'

export interface RedisServerOptions {
  /** Where the data lies. Created when absent; one server at a time. */
  readonly dataDir: string
  /** A free one by default. */
  readonly port?: number
  /** `true` makes one up; none by default. */
  readonly password?: string | true
  /** `everysec` by default: a crash of the machine loses at most the last second. */
  readonly appendfsync?: AppendFsync
  /** In Redis's own notation, for example `256mb`; unbounded by default. */
  readonly maxmemory?: string
  /** Further command-line arguments for the server, for example `['--hz', '100']`. */
  readonly extraArgs?: readonly string[]
  /** Hears each line that the server logs. */
  readonly log?: (line: string) => void
  /** The programs to try, in order; Redis and Valkey by their usual names by default. */
  readonly binaries?: readonly RedisBinary[]
}

// Between choosing a port and listening on it another process may take it.
const portTries = 5

/**
 * Starts a Redis on 127.0.0.1 that keeps its data in `dataDir`, and resolves when it answers.
 * Fails with a `RedisServerError`.
 *
 * @example
 * await using redis = await startRedisServer({ dataDir: '.warmhook/redis', password: true })
 * const client = new Redis(redis.url)
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const { port, extraArgs = [], appendfsync = 'everysec', maxmemory, log = () => {} } = options
  const dir = resolve(options.dataDir)
  const password = options.password === true ? randomBytes(24).toString('base64url') : options.password
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const binary = await findRedisBinary(options.binaries)
  const claim = await claimDataDir(dir, log)
  try {
    for (let tries = 1; ; tries++) {
      const config = { dir, port: port ?? (await findFreePort()), password, appendfsync, maxmemory }
      try {
        return await launchServer({ binary, config, extraArgs, claim, log })
      } catch (error) {
        const canRetry = port === undefined && tries < portTries
        if (!(canRetry && error instanceof RedisServerError && error.code === 'port-in-use')) throw error
      }
    }
  } catch (error) {
    await claim.release()
    throw error
  }
}
