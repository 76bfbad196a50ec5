import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'

/** Where the latest time in any envelope's id outlives the process that made it. */
export interface LatestMemory {
  /** Milliseconds since the epoch; 0 where nothing is known. */
  recall(): Promise<number>
  /** Also for the other ingresses. */
  remember(latest: number): Promise<void>
  forget(): Promise<void>
}

/** Kept beside the spool: Redis can be unreachable when the process starts again. */
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
      // Under load it is written now and then; what is left out comes with a later call.
      if (latest <= written || performance.now() < nextWriteAt) return
      written = latest
      nextWriteAt = performance.now() + writeEveryMs
      // Renamed, so that a kill leaves the old or the new time, not half of one.
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

/** Kept in Redis for all ingresses of the installation: `key` is a sorted set with one member. */
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
/** A start does not wait longer for a Redis that is unreachable. */
const readyWithinMs = 1_000
