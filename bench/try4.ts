import { openSite } from './support/open-site.ts'
import { startPostgres, startRedis } from './support/start-services.ts'
import { floodFor } from './load/run-load.ts'
await using stack = new AsyncDisposableStack()
const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
const site = await openSite(stack, servers)
const app = await site.start('apps/ingress/src/main.ts')
let total = 0
for (let i = 0; i < 6; i++) {
  const r = await floodFor(2, app.url, 64)
  total += r.acked
  const m = await (await fetch(app.url + '/metrics')).text()
  const n = Number(/answers_total\{status="202"[^}]*\} (\d+)/.exec(m)?.[1])
  console.log('acked', total, 'answered 202', n, 'diff', n - total)
}
