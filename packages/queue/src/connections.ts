import { parseRedisUrl } from '@warmhook/config/redis-url'
import { Redis, type RedisOptions } from 'ioredis'

export interface ConnectionOptions {
  /** As `parseRedisUrl` reads it. */
  readonly url: string
  /** Told of every connection error; ioredis reconnects by itself. */
  readonly onError: (error: Error) => void
}

/**
 * A connection for producers: a command fails at once when Redis is away, and after a second when it does not answer.
 * Never give it to a worker, whose blocking reads outlast that second.
 */
export function connectProducer({ url, onError }: ConnectionOptions): Redis {
  return withErrorHandler(
    open(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 1_000,
    }),
    onError,
  )
}

/** A connection for workers and readers: commands wait while Redis is away. */
export function connectConsumer({ url, onError }: ConnectionOptions): Redis {
  return withErrorHandler(open(url, { maxRetriesPerRequest: null }), onError)
}

const common = {
  connectTimeout: 2_000,
  retryStrategy: (attempt: number) => Math.min(2 ** attempt * 50, 2_000),
  // 1: reconnect, so that a replica that was a master is left for the new one.
  reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 1 : false),
}

type Patience = Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'>

function open(url: string, patience: Patience): Redis {
  const address = parseRedisUrl(url)
  if (address === undefined) throw new TypeError('not the URL of a Redis')
  if ('url' in address) return new Redis(address.url, { ...common, ...patience })
  const { sentinels, name, username, password, db, tls } = address
  return new Redis({
    ...common,
    ...patience,
    sentinels: [...sentinels],
    name,
    db,
    failoverDetector: true,
    ...(username === undefined ? {} : { username, sentinelUsername: username }),
    ...(password === undefined ? {} : { password, sentinelPassword: password }),
    ...(tls ? { tls: {}, enableTLSForSentinelMode: true } : {}),
  })
}

/** Ends a connection: politely where Redis answers, at once where it is away. */
export async function disconnect(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => undefined)
  // Also after a quit: ioredis 6 leaves its connections to sentinels open, and with them the process.
  redis.disconnect()
}

function withErrorHandler(redis: Redis, onError: (error: Error) => void): Redis {
  redis.on('error', onError)
  return redis
}
