import { setTimeout as delay } from 'node:timers/promises'
import { parseRedisUrl } from '@warmhook/config/redis-url'
import { Redis, type RedisOptions } from 'ioredis'
import { replaceWhenSilent } from './replace-when-silent.ts'
import { watchSentinels, type SentinelWatch } from './watch-sentinels.ts'

export interface ConnectionOptions {
  /** As `parseRedisUrl` reads it. */
  readonly url: string
  /** Told of every connection error; ioredis reconnects by itself. */
  readonly onError: (error: Error) => void
}

/**
 * A connection for producers: a command fails at once when Redis is unreachable, and after a second when it does not answer.
 * Never give it to a worker, whose blocking reads outlast that second.
 */
export function connectProducer(options: ConnectionOptions): Redis {
  const patience = { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 1_000 }
  return open(options, { ...patience, answerSeconds: 2 })
}

/** A connection for workers and readers: commands wait while Redis is unreachable. */
export function connectConsumer(options: ConnectionOptions): Redis {
  // A Redis that a script keeps busy says so after 5 s (busy-reply-threshold).
  return open(options, { maxRetriesPerRequest: null, answerSeconds: 6 })
}

const common = {
  connectTimeout: 2_000,
  // For a farewell that nobody answers.
  disconnectTimeout: 500,
  retryStrategy: (attempt: number) => Math.min(2 ** attempt * 50, 2_000),
  // 1: reconnect, so that a replica that was a master is left for the new one.
  reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 1 : false),
}

interface Patience extends Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'> {
  /** How long Redis may send nothing when an answer is due. */
  readonly answerSeconds: number
}

function open({ url, onError }: ConnectionOptions, { answerSeconds, ...patience }: Patience): Redis {
  const redis = connect(url, { ...common, ...patience })
  redis.on('error', onError)
  return watch(redis, { answerSeconds, onError })
}

/** Also the duplicates are replaced when they are silent: BullMQ makes one of a worker's connection, for blocking reads. */
function watch(redis: Redis, options: SentinelWatch): Redis {
  replaceWhenSilent(redis, options.answerSeconds)
  watchSentinels(redis, options)
  const duplicate = redis.duplicate.bind(redis)
  // BullMQ tells of its errors while it uses it; without a listener of its own ioredis would print those of its end.
  redis.duplicate = (override) => watch(duplicate(override), options).on('error', () => undefined)
  return redis
}

function connect(url: string, options: typeof common & Omit<Patience, 'answerSeconds'>): Redis {
  const address = parseRedisUrl(url)
  if (address === undefined) throw new TypeError('not the URL of a Redis')
  if ('url' in address) return new Redis(address.url, options)
  const { sentinels, name, username, password, db, tls } = address
  return new Redis({
    ...options,
    sentinels: [...sentinels],
    name,
    db,
    failoverDetector: true,
    sentinelCommandTimeout: 2_000,
    sentinelReconnectStrategy: () => 5_000,
    ...(username === undefined ? {} : { username, sentinelUsername: username }),
    ...(password === undefined ? {} : { password, sentinelPassword: password }),
    ...(tls ? { tls: {}, enableTLSForSentinelMode: true } : {}),
  })
}

/** Ends a connection: politely where Redis answers, at once where it does not. */
export async function disconnect(redis: Redis): Promise<void> {
  const farewell = new AbortController()
  if (redis.status === 'ready') {
    const late = delay(farewellMs, undefined, { signal: farewell.signal }).catch(() => undefined)
    await Promise.race([redis.quit().catch(() => undefined), late])
  }
  farewell.abort()
  // Also after a quit: ioredis 6 leaves its connections to sentinels open, and with them the process.
  redis.disconnect()
}

const farewellMs = 1_000
