import { baseline, ours } from './rows/drain.ts'
import { measureLatency } from './rows/latency.ts'
import { startPostgres, startRedis } from './support/start-services.ts'
await using stack = new AsyncDisposableStack()
const servers = { redis: await startRedis(stack), postgres: await startPostgres(stack) }
const [, , perSecond = '1000', seconds = '10', rounds = '1', crm = '50', which='ours'] = process.argv
for (let i = 0; i < Number(rounds); i += 1) {
  const r = await measureLatency(servers, which === 'ours' ? ours : baseline, { perSecond: Number(perSecond), seconds: Number(seconds), crmDelayMs: Number(crm) })
  console.log(JSON.stringify(r, (_k, v) => typeof v === 'number' ? Math.round(v * 10) / 10 : v))
}
