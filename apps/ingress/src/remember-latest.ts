import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'

/** Stores the latest time used in an envelope id, so that it survives a restart. */
export interface LatestMemory {
  /** Milliseconds since the epoch; 0 if nothing is stored. */
  recall(): Promise<number>
  /** May be shared with other ingresses. */
  remember(latest: number): Promise<void>
  forget(): Promise<void>
}

/** Stored next to the spool, because Redis may be unreachable when the process restarts. */
export function rememberInFile(directory: string): LatestMemory {
  const file = join(directory, 'latest-received-at')
  let written = 0
  let nextWriteAt = 0
  return {
    async recall() {
      const text = await readFile(file, 'utf8').catch(() => '')
      return Number(/^\d{1,15}$/.exec(text)?.[0] ?? 0)
    },
    async remember(latest) {
      // Writes are throttled under load; a later call writes the skipped value.
      if (latest <= written || performance.now() < nextWriteAt) return
      written = latest
      nextWriteAt = performance.now() + writeEveryMs
      // The rename is atomic: a kill leaves either the old or the new time.
      await writeFile(`${file}.new`, String(latest))
      await rename(`${file}.new`, file)
    },
    async forget() {
      written = 0
      nextWriteAt = 0
      await rm(file, { force: true })
    },
  }
}

const writeEveryMs = 250

/** Stored in Redis for all ingresses of the installation: `key` is a sorted set with one member. */
export function rememberInRedis(redis: Redis, key: string): LatestMemory {
  return {
    async recall() {
      if (redis.status !== 'ready') await once(redis, 'ready', { signal: AbortSignal.timeout(readyWithinMs) })
      return Number((await redis.zscore(key, member)) ?? 0)
    },
    async remember(latest) {
      await redis.zadd(key, 'GT', latest, member)
    },
    async forget() {
      await redis.del(key)
    },
  }
}

const member = 'latest'
/** How long a start waits for an unreachable Redis. */
const readyWithinMs = 1_000
