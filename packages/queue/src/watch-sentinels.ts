import { Redis } from 'ioredis'
import { replaceWhenSilent } from './replace-when-silent.ts'

export interface SentinelWatch {
  readonly answerSeconds: number
  readonly onError: (error: Error) => void
}

/**
 * Sentinels tell of a failover over connections that ioredis keeps to itself. On a silent one nobody would be told that the
 * master has become another, and without a listener ioredis prints their errors.
 */
export function watchSentinels(redis: Redis, { answerSeconds, onError }: SentinelWatch): void {
  // As ioredis 6 has it; a test fails should another version do it otherwise.
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
