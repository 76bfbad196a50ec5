import { sql } from 'kysely'
import { openPostgres } from '@warmhook/store/open-database'
import { startLocalPostgres } from '@warmhook/testing/local-postgres'
import { drainBacklog, ours, plain } from './rows/drain.ts'
import { startRedis } from './support/start-services.ts'
await using stack = new AsyncDisposableStack()
const settings = {
  track_commit_timestamp: 'on',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_planning': 'on',
}
const servers = { redis: await startRedis(stack), postgres: stack.use(await startLocalPostgres(settings)) }
const db = openPostgres({ use: 'reports', url: servers.postgres.url, poolSize: 1, onError: () => undefined })
stack.defer(() => db.destroy())
await sql`CREATE EXTENSION pg_stat_statements`.execute(db)
const [which = 'ours', events = '30000', workers = '1', rounds = '2'] = process.argv.slice(2)
for (let i = 0; i < Number(rounds); i++) {
  await sql`select pg_stat_statements_reset()`.execute(db)
  const r = await drainBacklog(
    servers,
    which === 'plain'
      ? plain
      : {
          ...ours,
          workerEnv: {
            WORKER_CONCURRENCY: process.env.CONC ?? '4',
            ...(process.env.NOPT ? { NODE_OPTIONS: process.env.NOPT } : {}),
            ...(process.env.PROF ? { NODE_OPTIONS: '--cpu-prof --cpu-prof-dir=/tmp/b' } : {}),
          },
        },
    Number(events),
    Number(workers),
  )
  console.log(
    which,
    Math.round(r.perSecond),
    JSON.stringify(r.cpu, (_k, v) => (typeof v === 'number' ? Math.round(v) : v)),
    Math.round(r.redisBytesPerWaitingEvent),
    r.workerMemory,
  )
  const { rows } = await sql<
    Record<string, unknown>
  >`select calls, round(total_exec_time)::int as exec, round(total_plan_time)::int as plan, rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as q from pg_stat_statements order by total_exec_time + total_plan_time desc limit 14`.execute(
    db,
  )
  if (process.env.STAT) for (const x of rows) console.log(Object.values(x).join(' | '))
}
