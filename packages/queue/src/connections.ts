import { setTimeout as delay } from 'node:timers/promises'
import { parseRedisUrl } from '@warmhook/config/redis-url'
import { Redis, type RedisOptions } from 'ioredis'
import { replaceWhenSilent } from './replace-when-silent.ts'
import { watchSentinels, type SentinelWatch } from './watch-sentinels.ts'

export interface ConnectionOptions {
  /** In a format that `parseRedisUrl` accepts. */
  readonly url: string
  /** Called with every connection error; ioredis reconnects by itself. */
  readonly onError: (error: Error) => void
}

/**
 * A connection for producers: a command fails immediately if Redis is unreachable, or after one second without a reply.
 * Never use it for a worker, whose blocking reads take longer than that.
 */
export function connectProducer(options: ConnectionOptions): Redis {
  const patience = { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 1_000 }
  return open(options, { ...patience, answerSeconds: 2 })
}

/** A connection for workers and readers: commands wait while Redis is unreachable. */
export function connectConsumer(options: ConnectionOptions): Redis {
  // A Redis that is busy with a script replies BUSY after 5 s (busy-reply-threshold).
  return open(options, { maxRetriesPerRequest: null, answerSeconds: 6 })
}

const common = {
  connectTimeout: 2_000,
  // How long to wait for the server to close its end.
  disconnectTimeout: 500,
  retryStrategy: (attempt: number) => Math.min(2 ** attempt * 50, 2_000),
  // 1 means reconnect: a former master that is now a replica is left for the new master.
  reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 1 : false),
}

interface Patience extends Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'> {
  /** How long Redis may stay silent while a reply is pending. */
  readonly answerSeconds: number
}

function open({ url, onError }: ConnectionOptions, { answerSeconds, ...patience }: Patience): Redis {
  const redis = connect(url, { ...common, ...patience })
  redis.on('error', onError)
  return watch(redis, { answerSeconds, onError })
}

/** Duplicates are watched as well: BullMQ duplicates a worker's connection for blocking reads. */
function watch(redis: Redis, options: SentinelWatch): Redis {
  replaceWhenSilent(redis, options.answerSeconds)
  watchSentinels(redis, options)
  const duplicate = redis.duplicate.bind(redis)
  // BullMQ removes its error listener when it is done; without this one, ioredis would print later errors.
  redis.duplicate = (override) => watch(duplicate(override), options).on('error', () => undefined)
  return redis
}

function connect(url: string, options: typeof common & Omit<Patience, 'answerSeconds'>): Redis {
  const address = parseRedisUrl(url)
  if (address === undefined) throw new TypeError('not a Redis URL')
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

/** Closes a connection: with QUIT if Redis answers, forcibly if it does not. */
export async function disconnect(redis: Redis): Promise<void> {
  const farewell = new AbortController()
  if (redis.status === 'ready') {
    const late = delay(farewellMs, undefined, { signal: farewell.signal }).catch(() => undefined)
    await Promise.race([redis.quit().catch(() => undefined), late])
  }
  farewell.abort()
  // Even after QUIT: ioredis 6 leaves its sentinel connections open, which keeps the process alive.
  redis.disconnect()
}

const farewellMs = 1_000
