import { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import { runUntilSignal } from '@warmhook/lifecycle/run-until-signal'
import { openPostgres } from '@warmhook/store/open-database'
import { createLogger } from '@warmhook/telemetry/logger'
import { parseBoardEnv } from './env.ts'
import { startBoard } from './start-board.ts'

await runUntilSignal({ deadlineMs: 15_000 }, () => {
  const settings = parseBoardEnv(process.env)
  const log = createLogger('board', settings.logLevel)
  return ResourceScope.build(async (scope) => {
    const onError = (err: Error): void => log.warn({ err }, 'idle database connection')
    const db = openPostgres({ use: 'reports', url: settings.databaseUrl, poolSize: 4, onError })
    scope.defer('database', () => db.destroy())
    return scope.use('board', await startBoard({ ...settings, db, log }), 10_000)
  })
})
