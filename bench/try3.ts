import { openSite } from './support/open-site.ts'
import { startPostgres, startRedis } from './support/start-services.ts'
import { floodFor } from './load/run-load.ts'
import { cpuMicroseconds } from './support/process-cost.ts'
await using stack = new AsyncDisposableStack()
const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
const site = await openSite(stack, servers)
const app = await site.start(
  process.argv[2] ?? 'apps/ingress/src/main.ts',
  process.env.NOPT ? { NODE_OPTIONS: process.env.NOPT } : {},
)
await floodFor(2, app.url, 64)
for (let i = 0; i < 3; i++) {
  const b = [app.pid, servers.redis.pid].map(cpuMicroseconds)
  const r = await floodFor(4, app.url, 64)
  const a = [app.pid, servers.redis.pid].map(cpuMicroseconds)
  console.log(
    Math.round(r.perSecond),
    'node',
    Math.round((a[0]! - b[0]!) / r.acked),
    'redis',
    Math.round((a[1]! - b[1]!) / r.acked),
    'batches',
    await site.redis.llen('{bench}:intake:wait'),
  )
}
