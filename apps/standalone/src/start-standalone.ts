import { join } from 'node:path'
import { publishBoardAddress } from '@warmhook/config/board-address'
import { startBoard } from '@warmhook/board/start-board'
import { createHandlers } from '@warmhook/handlers/registry'
import { stopLimits } from '@warmhook/handlers/stop-limits'
import { startIngress } from '@warmhook/ingress/start-ingress'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import type { Database } from '@warmhook/store/database'
import { migrate } from '@warmhook/store/migrate'
import { migratePostgres } from '@warmhook/store/migrate-postgres'
import { openPostgres } from '@warmhook/store/open-database'
import { openPglite } from '@warmhook/store/pglite/open-pglite'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import type { Logger } from '@warmhook/telemetry/logger'
import { startWorker } from '@warmhook/worker/start-worker'
import { describeCrmSetup } from './describe-crm-setup.ts'
import { claimDataDir } from './claim-data-dir.ts'
import type { StandaloneSettings } from './env.ts'
import { openPrivateRedis } from './open-private-redis.ts'

export interface Standalone extends AsyncDisposable {
  readonly ingressUrl: string
  readonly boardUrl: string
  /** Where the data is stored, as text. */
  readonly storage: string
  /** What to do before contacts can be written; undefined if nothing is missing. Never rejects. */
  readonly crmSetup: Promise<string | undefined>
}

interface StandaloneDeps {
  readonly env: NodeJS.ProcessEnv
  readonly log: Logger
  /** Called when the process cannot continue. */
  readonly giveUp: (error: Error) => void
}

/** Starts everything in one process. Disposal stops the ingress first and the stores last. */
export async function startStandalone(
  settings: StandaloneSettings,
  { env, log, giveUp }: StandaloneDeps,
): Promise<Standalone> {
  return ResourceScope.build(async (scope) => {
    const claim = claimDataDir(settings.dataDir)
    scope.defer('data directory', () => claim[Symbol.dispose]())
    const redisUrl = settings.redisUrl ?? (await openPrivateRedis(scope, settings, { log, giveUp }))
    const db = await openDatabase(scope, settings, { log, giveUp })
    const { host, prefix } = settings
    const redis = connectProducer({ url: redisUrl, onError: createErrorReporter(log)('redis (handlers)') })
    scope.defer('redis of the handlers', () => disconnect(redis))
    const handlers = createHandlers(env, { db, log, redis, prefix, now: Date.now })
    const board = scope.use(
      'board',
      await startBoard({
        db,
        redisUrl,
        host,
        port: settings.boardPort,
        user: settings.boardUser,
        password: settings.boardPassword,
        basePath: settings.boardBasePath,
        prefix,
        crm: settings.crm,
        mailivery: settings.mailivery,
        log: log.child({ part: 'board' }),
      }),
    )
    const { concurrency, dedupeWindowMs, retentionDays, lockMs, maxBodyBytes } = settings
    scope.use(
      'worker',
      await startWorker(
        {
          redisUrl,
          host,
          port: 0,
          prefix,
          dedupeWindowMs,
          retentionDays,
          maxBodyBytes,
          queues: undefined,
          concurrency,
          lockMs,
          reconcileEveryMs: settings.reconcileEveryMs,
          recheckAfterMs: settings.recheckAfterMs,
        },
        {
          db,
          handlers,
          mailivery: settings.mailivery,
          log: log.child({ part: 'worker' }),
          sandbox: undefined,
          isOnlyWorker: true,
          onStuck: giveUp,
          now: Date.now,
          random: Math.random,
        },
      ),
      stopLimits.workerMs,
    )
    const { endpoints, trustedProxies, ratePerSecond, batchMax, spool, waitReplicas } = settings
    const port = settings.ingressPort
    const ingress = scope.use(
      'ingress',
      await startIngress(
        {
          redisUrl,
          waitReplicas,
          host,
          port,
          endpoints,
          trustedProxies,
          maxBodyBytes,
          ratePerSecond,
          batchMax,
          prefix,
          spool,
        },
        { log: log.child({ part: 'ingress' }), giveUp },
      ),
      10_000,
    )
    const address = publishBoardAddress(settings.dataDir, board.url)
    scope.defer('board address', () => address[Symbol.dispose]())
    return {
      ingressUrl: ingress.url,
      boardUrl: board.url,
      storage: describeStorage(settings),
      crmSetup: describeCrmSetup(settings.crm, { db, log, redis, prefix, now: Date.now }),
    }
  })
}

async function openDatabase(
  scope: ResourceScope,
  settings: StandaloneSettings,
  { log, giveUp }: Pick<StandaloneDeps, 'log' | 'giveUp'>,
): Promise<Database> {
  const { databaseUrl, dataDir, concurrency } = settings
  const onError = createErrorReporter(log)('database connection')
  if (databaseUrl !== undefined) await migratePostgres({ url: databaseUrl, onError })
  const db =
    databaseUrl === undefined
      ? await openPglite({ directory: join(dataDir, 'postgres'), onLost: giveUp })
      : openPostgres({ use: 'reports', url: databaseUrl, poolSize: concurrency * 2, onError })
  scope.defer('database', () => db.destroy(), 10_000)
  if (databaseUrl === undefined) await migrate(db)
  return db
}

function describeStorage(settings: StandaloneSettings): string {
  const redis = settings.redisUrl === undefined ? 'a private Redis' : 'the Redis at REDIS_URL'
  const postgres = settings.databaseUrl === undefined ? 'an embedded Postgres' : 'the Postgres at DATABASE_URL'
  const own = settings.redisUrl === undefined || settings.databaseUrl === undefined
  return `${redis} and ${postgres}${own ? ` in ${settings.dataDir}` : ''}`
}
