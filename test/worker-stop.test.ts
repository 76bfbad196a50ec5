import { stopLimits } from '@warmhook/handlers/stop-limits'
import { handlerQueues } from '@warmhook/handlers/registry'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { openPostgres } from '@warmhook/store/open-database'
import { lockMailboxes } from '@warmhook/store/lock-mailboxes'
import { eventually } from '@warmhook/testing/eventually'
import { startFakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { sql } from 'kysely'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startInstallation } from './support/start-installation.ts'

const problem = (campaignId: number): string =>
  JSON.stringify({
    type: 'campaign.connection.problematic',
    reason: 'Smtp Connection Error',
    account: { campaign_id: campaignId, email: `m${campaignId}@b.example` },
  })
/** The handlers of a problem. */
const queues = handlerQueues
  .filter(({ subscribes }) => subscribes.includes('campaign.connection.problematic'))
  .map(({ name }) => name)
const [other, folded, routed, late] = [1, 2, 3, 4] as const

it(
  'a worker with a slow call in every queue stops in time, takes no more jobs, and leaves its work to the next worker',
  { timeout: 120_000 },
  async () => {
    let isSlow = true
    const slowly = (answer: () => Response): Response | Promise<Response> =>
      isSlow ? new Promise(() => undefined) : answer()
    await using crm = await startFakeHubspot((_inputs, _request, write) => slowly(write))
    await using slack = await startHttpPeer(() => slowly(() => new Response('ok')))
    await using warmhook = await startInstallation({
      HUBSPOT_ACCESS_TOKEN: 'pat-test',
      HUBSPOT_BASE_URL: crm.url,
      SLACK_WEBHOOK_URL: slack.url,
    })
    const { env, prefix, redisUrl, worker } = warmhook
    await using cleanup = new AsyncDisposableStack()
    const db = openPostgres({
      url: env['DATABASE_URL'] ?? '',
      poolSize: 2,
      use: 'migrations',
      onError: () => undefined,
    })
    cleanup.defer(() => db.destroy())
    const redis = connectConsumer({ url: redisUrl, onError: () => undefined })
    cleanup.defer(() => disconnect(redis))
    const active = async (): Promise<readonly string[]> => {
      const names = ['intake', ...queues]
      const lengths = await Promise.all(names.map((name) => redis.llen(`${prefix}:${name}:active`)))
      return names.filter((_name, index) => (lengths[index] ?? 0) > 0)
    }

    await warmhook.send(problem(other))
    await eventually(() => expect([crm.requests.length, slack.requests.length]).toEqual([1, 1]), { timeoutMs: 15_000 })
    const release = new AbortController()
    cleanup.defer(() => release.abort())
    const locked = Promise.withResolvers<void>()
    const holding = db.transaction().execute(async (tx) => {
      await lockMailboxes(tx, 'folding', [{ owner: 'default', campaignId: folded }])
      await lockMailboxes(tx, 'routing', [{ owner: 'default', campaignId: routed }])
      locked.resolve()
      // Keep the transaction busy: Postgres would terminate it if idle.
      while (!release.signal.aborted) await sql`SELECT pg_sleep(0.05)`.execute(tx)
    })
    await locked.promise
    await warmhook.send(problem(folded))
    await eventually(async () => expect(await active()).toContain('pause-tracking'), { timeoutMs: 15_000 })
    await warmhook.send(problem(routed))
    await eventually(async () => expect(await active()).toHaveLength(1 + queues.length), { timeoutMs: 15_000 })

    worker.kill('SIGTERM')
    await worker.waitForLine(/worker stops/)
    await warmhook.send(problem(late))
    expect((await worker.exited).code).toBe(0)
    expect(await redis.llen(`${prefix}:intake:wait`)).toBeGreaterThan(0)
    expect(await active()).toEqual([])

    isSlow = false
    release.abort()
    await holding
    await warmhook.startWorker()
    expect(await warmhook.settled(4)).toMatchObject({ processed: 4, balanced: true })
  },
)

it('the stop grace period in Compose exceeds the stop limit of a worker', async () => {
  const compose = await readFile(new URL('../docker-compose.yml', import.meta.url), 'utf8')
  const grace = /stop_grace_period: (\d+)s/.exec(compose)?.[1]
  expect(Number(grace) * 1_000).toBeGreaterThan(stopLimits.processMs)
  expect(stopLimits.processMs).toBeGreaterThan(stopLimits.workerMs)
  expect(stopLimits.workerMs).toBeGreaterThan(stopLimits.workersMs)
  for (const { policy } of handlerQueues) expect(stopLimits.workersMs).toBeGreaterThan(policy.timeoutMs)
})
