import type { Redis } from 'ioredis'

interface RedisSettingsDeps {
  /** Called with each setting with which Redis can lose events. */
  readonly warn: (message: string) => void
  readonly onError: (error: unknown) => void
}

/** Checks the settings of a Redis once, on the first connection. */
export function warnOfRedisSettings(redis: Redis, { warn, onError }: RedisSettingsDeps): void {
  redis.once('ready', () => {
    findLossySettings(redis).then((messages) => messages.forEach(warn), onError)
  })
}

/** The settings with which this Redis can lose events, each with its fix. */
export async function findLossySettings(redis: Redis): Promise<readonly string[]> {
  const info = await redis.info()
  const read = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const policy = read('maxmemory_policy')
  return [
    ...(policy === undefined || policy === 'noeviction'
      ? []
      : [`Redis has maxmemory-policy ${policy}: it evicts events when it is full. Set maxmemory-policy noeviction`]),
    ...(read('aof_enabled') === '0'
      ? ['Redis has no append-only file: a restart loses events. Set appendonly yes']
      : []),
  ]
}
