import { openQueue } from '@warmhook/queue/batch-producer'
import { handlerQueue, intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { handlerQueues } from '@warmhook/handlers/registry'
import type { Database } from '@warmhook/store/database'
import { migrate } from '@warmhook/store/migrate'
import { openPostgres } from '@warmhook/store/open-database'
import { createDatabase } from '@warmhook/testing/create-database'
import { spawnApp, type SpawnedApp } from '@warmhook/testing/spawn-app'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Service } from './start-services.ts'

export const endpointPath = '/webhooks/mailivery/a-key-of-at-least-128-bits'

/** The environment of one round: an empty Redis, a new database, and the processes that the round starts. */
export interface Site {
  readonly db: Database
  readonly databaseUrl: string
  readonly redis: Redis
  readonly queues: readonly Queue[]
  readonly crmUrl: string
  /** Starts a Warmhook server or one it is compared with, and resolves once it listens at `url`. */
  start(entry: string, env?: Readonly<Record<string, string>>): Promise<SpawnedApp & { readonly url: string }>
}

/** Opens a site on these servers until the stack is disposed. Its CRM answers after `crmDelayMs`. */
export async function openSite(
  stack: AsyncDisposableStack,
  { redis: redisServer, postgres }: { readonly redis: Service; readonly postgres: Service },
  { crmDelayMs = 50 }: { readonly crmDelayMs?: number } = {},
): Promise<Site> {
  const redis = connectConsumer({ url: redisServer.url, onError: () => undefined })
  stack.defer(() => disconnect(redis))
  await redis.flushall()
  const database = stack.use(await createDatabase(postgres.url))
  const db = openPostgres({ use: 'reports', url: database.url, poolSize: 2, onError: () => undefined })
  stack.defer(() => db.destroy())
  await migrate(db)
  const crm = stack.use(await spawnApp('bench/servers/crm.ts', {}, { args: ['0', String(crmDelayMs)] }))
  const crmUrl = await urlOf(crm)
  const env = {
    REDIS_URL: redisServer.url,
    DATABASE_URL: database.url,
    QUEUE_PREFIX: prefix,
    WARMHOOK_ENDPOINT_KEY: 'a-key-of-at-least-128-bits',
    HUBSPOT_ACCESS_TOKEN: 'bench',
    HUBSPOT_BASE_URL: crmUrl,
    INGRESS_PORT: '0',
    WORKER_PORT: '0',
    RATE_LIMIT_PER_SECOND: '0',
    LOG_LEVEL: 'info',
  }
  const queues = [intakeQueue, ...handlerQueues.map(handlerQueue)].map((spec) =>
    openQueue(spec, redis, { prefix, onError: () => undefined }),
  )
  return {
    db,
    databaseUrl: database.url,
    redis,
    queues,
    crmUrl,
    start: async (entry, more = {}) => {
      const app = stack.use(await spawnApp(entry, { ...env, ...more }))
      return Object.assign(app, { url: await urlOf(app) })
    },
  }
}

const prefix = '{bench}'

async function urlOf(app: SpawnedApp): Promise<string> {
  const [, url] = await app.waitForLine(/"url":"(http:[^"]+)"/)
  if (url === undefined) throw new Error('the pattern has a group')
  return url
}
