import { Redis } from 'ioredis'

export interface ConnectionOptions {
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
    new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 1_000,
      connectTimeout: 2_000,
      retryStrategy: (attempt) => Math.min(2 ** attempt * 50, 2_000),
      // 1: reconnect, so that a replica that was a master is left for the new one.
      reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    }),
    onError,
  )
}

/** A connection for workers and readers: commands wait while Redis is away. */
export function connectConsumer({ url, onError }: ConnectionOptions): Redis {
  return withErrorHandler(
    new Redis(url, {
      maxRetriesPerRequest: null,
      connectTimeout: 2_000,
      retryStrategy: (attempt) => Math.min(2 ** attempt * 50, 2_000),
      reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    }),
    onError,
  )
}

/** Ends a connection: politely where Redis answers, at once where it is away. */
export async function disconnect(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect())
  else redis.disconnect()
}

function withErrorHandler(redis: Redis, onError: (error: Error) => void): Redis {
  redis.on('error', onError)
  return redis
}
