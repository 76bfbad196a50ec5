import { sql } from 'kysely'
import { ours } from './rows/drain.ts'
import { measureLatency } from './rows/latency.ts'
import { startRedis } from './support/start-services.ts'
import { startLocalPostgres } from '@warmhook/testing/local-postgres'
import pg from 'pg'
await using stack = new AsyncDisposableStack()
const postgres = stack.use(await startLocalPostgres({ track_commit_timestamp: 'on', shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'all' }))
const servers = { redis: await startRedis(stack), postgres }
const admin = new pg.Client(postgres.url); await admin.connect()
await admin.query('CREATE EXTENSION pg_stat_statements')
setTimeout(() => void admin.query('SELECT pg_stat_statements_reset()'), 16000)
const r = await measureLatency(servers, ours, { perSecond: 1000, seconds: 10, crmDelayMs: 50 })
console.log(JSON.stringify(r.cpu))
const { rows } = await admin.query("SELECT calls, round(total_exec_time) ms, round((total_exec_time/calls)::numeric,2) per, rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 110) q FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 34")
for (const x of rows) console.log(x.calls, x.ms, x.per, x.rows, x.q)
const info = await servers.redis
await admin.end()
