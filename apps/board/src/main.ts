import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { openPostgres } from '@warmhook/store/open-database'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { createProcessLogger, reportFatal } from '@warmhook/telemetry/create-process-logger'
import { parseBoardEnv } from './env.ts'
import { startBoard } from './start-board.ts'

const log = createProcessLogger('board')
await runUntilSignal({ deadlineMs: 15_000, onError: reportFatal(log) }, () => {
  const settings = parseBoardEnv(process.env)
  log.level = settings.logLevel
  return ResourceScope.build(async (scope) => {
    const onError = createErrorReporter(log)('database connection')
    const db = openPostgres({ use: 'reports', url: settings.databaseUrl, poolSize: 4, onError })
    scope.defer('database', () => db.destroy())
    return scope.use('board', await startBoard({ ...settings, db, log }), 10_000)
  })
})
