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
  /** The data directory. Created if it does not exist; one server at a time. */
  readonly dataDir: string
  /** By default, a free port. */
  readonly port?: number
  /** `true` generates one; by default there is none. */
  readonly password?: string | true
  /** `everysec` by default: if the machine crashes, at most the last second is lost. */
  readonly appendfsync?: AppendFsync
  /** In Redis notation, such as `256mb`; unlimited by default. */
  readonly maxmemory?: string
  /** Additional command-line arguments, such as `['--hz', '100']`. */
  readonly extraArgs?: readonly string[]
  /** Called with each line that the server logs. */
  readonly log?: (line: string) => void
  /** The programs to try, in order. By default, Redis and Valkey under their usual names. */
  readonly binaries?: readonly RedisBinary[]
}

// Another process may take the port before the server listens on it.
const portTries = 5

/**
 * Starts a Redis on 127.0.0.1 with its data in `dataDir`, and resolves once it answers.
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
