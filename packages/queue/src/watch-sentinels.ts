import { Redis } from 'ioredis'
import { replaceWhenSilent } from './replace-when-silent.ts'

export interface SentinelWatch {
  readonly answerSeconds: number
  readonly onError: (error: Error) => void
}

/**
 * Sentinels announce failovers on connections that are private to ioredis. On a silent one, a change of master would go
 * unnoticed; without a listener, ioredis prints their errors.
 */
export function watchSentinels(redis: Redis, { answerSeconds, onError }: SentinelWatch): void {
  // An internal of ioredis 6; a test fails if another version changes it.
  const connector: unknown = Reflect.get(redis, 'connector')
  if (typeof connector !== 'object' || connector === null) return
  const connect: unknown = Reflect.get(connector, 'connectToSentinel')
  if (typeof connect !== 'function') return
  Reflect.set(connector, 'connectToSentinel', (...args: readonly unknown[]): unknown => {
    const client: unknown = Reflect.apply(connect, connector, args)
    if (isRedis(client)) {
      client.on('error', onError)
      replaceWhenSilent(client, answerSeconds)
    }
    return client
  })
}

function isRedis(value: unknown): value is Redis {
  return value instanceof Redis
}
