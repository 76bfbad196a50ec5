import { setPriority } from 'node:os'
import { createHandlers, handlerQueues } from '@warmhook/handlers/registry'
import { stopLimits } from '@warmhook/handlers/stop-limits'
import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { connectProducer, disconnect } from '@warmhook/queue/connections'
import { migratePostgres } from '@warmhook/store/migrate-postgres'
import { openPostgres } from '@warmhook/store/open-database'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { createProcessLogger, reportFatal } from '@warmhook/telemetry/create-process-logger'
import { warnOfBlockedLoop } from '@warmhook/telemetry/watch-event-loop'
import { parseWorkerEnv } from './env.ts'
import { createSandbox } from './sandbox/create-sandbox.ts'
import { runInSandbox } from './sandbox/run-in-sandbox.ts'
import { startWorker } from './start-worker.ts'

// On a machine shared with an ingress, the ingress has priority. A higher value would delay outcomes.
const niceness = 2

const log = createProcessLogger('worker')
await runUntilSignal({ deadlineMs: stopLimits.processMs, onError: reportFatal(log) }, (giveUp) => {
  const settings = parseWorkerEnv(process.env)
  log.level = settings.logLevel
  warnOfBlockedLoop(log)
  setPriority(niceness)
  return ResourceScope.build(async (scope) => {
    // One connection per handler call; two for the router's transactions; one each for the handlers' folding, the
    // claims of notifications and retention; and one shared by the sweeper and the subscription watch.
    const poolSize = settings.concurrency * handlerQueues.length + 6
    const onError = createErrorReporter(log)('database connection')
    const db = openPostgres({
      url: settings.databaseUrl,
      poolSize,
      use: 'lookups',
      onError,
    })
    scope.defer('database', () => db.destroy())
    const migrated = await migratePostgres({ url: settings.databaseUrl, onError })
    if (migrated.length > 0) log.info({ migrated }, 'database schema updated')
    const redis = connectProducer({ url: settings.redisUrl, onError: createErrorReporter(log)('redis (handlers)') })
    scope.defer('redis of the handlers', () => disconnect(redis))
    const handlers = createHandlers(process.env, { db, log, redis, prefix: settings.prefix, now: Date.now })
    return scope.use(
      'worker',
      await startWorker(settings, {
        db,
        handlers,
        mailivery: settings.mailivery,
        log,
        sandbox: createSandbox(runInSandbox),
        isOnlyWorker: false,
        onStuck: giveUp,
        now: Date.now,
        random: Math.random,
      }),
      stopLimits.workerMs,
    )
  })
})
