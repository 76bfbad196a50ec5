import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openQueue } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer } from '@warmhook/queue/connections'
import { startRedisServer } from '@warmhook/redis-server/start-redis-server'
import { parseIntakeJobId } from '@warmhook/schema/intake-range'
import { eventually } from '@warmhook/testing/eventually'
import { spawnApp } from '@warmhook/testing/spawn-app'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

interface Ledger {
  readonly accepted: number
  readonly inFlight: number
  readonly missing: number
  readonly balanced: boolean
}

const patience = { timeoutMs: 15_000, intervalMs: 100 }

describe('the ledger', () => {
  let stack: AsyncDisposableStack
  let site: Installation
  let intake: ReturnType<typeof openQueue>
  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    site = stack.use(await startInstallation())
    const connection = connectConsumer({ url: site.redisUrl, onError: () => undefined })
    stack.defer(() => connection.disconnect())
    intake = openQueue(intakeQueue, connection, { prefix: site.prefix, onError: () => undefined })
    stack.defer(() => intake.close())
  })
  afterEach(() => stack.disposeAsync())

  async function send(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const response = await site.send(JSON.stringify({ type: 'campaign.updated', account: { id: 100 + n } }))
      expect(response.status).toBe(202)
    }
  }

  const readLedger = (): Promise<Ledger> => site.api<Ledger>('/api/ledger')

  async function runDoctor(): Promise<string> {
    await using doctor = await spawnApp('apps/cli/src/main.ts', site.env, { args: ['doctor'] })
    await doctor.exited
    return doctor.output()
  }

  it.each([
    ['the first', 0],
    ['one in between', 1],
    ['the last', 2],
  ])('reports %s of the waiting jobs as missing after it is removed, with its numbers', async (_name, index) => {
    await intake.pause()
    await send(3)
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ accepted: 3, inFlight: 3, missing: 0, balanced: true }),
      patience,
    )
    const ids = (await intake.getRanges(['waiting'], 0, -1, true)).toSorted(byNumber)
    expect(ids).toHaveLength(3)
    const removed = ids[index] ?? ''
    await intake.remove(removed)
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ accepted: 3, inFlight: 2, missing: 1, balanced: false }),
      patience,
    )
    await intake.resume()
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ accepted: 3, inFlight: 0, missing: 1, balanced: false }),
      patience,
    )
    const range = parseIntakeJobId(removed)
    expect(await runDoctor()).toContain(
      `1 acknowledged webhooks are missing: numbers ${range?.first} to ${range?.last} of ingress ${range?.epoch}`,
    )
    const metrics = await site.metrics()
    expect(metrics).toMatch(/^warmhook_ledger_missing\{?.* 1$/m)
    expect(metrics).toMatch(/^warmhook_ledger_balanced\{?.* 0$/m)
  })

  it('reports the only job as missing, even after Redis has lost the record of the ingress', async () => {
    await intake.pause()
    await send(1)
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ accepted: 1, missing: 0, balanced: true }),
      patience,
    )
    await intake.obliterate({ force: true })
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ accepted: 1, missing: 1, balanced: false }),
      patience,
    )
  })

  it('reports nothing as missing when an ingress is killed or jobs are waiting', async () => {
    await intake.pause()
    await send(5)
    site.ingress.kill('SIGKILL')
    await site.ingress.exited
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ missing: 0, balanced: true, inFlight: 5 }),
      patience,
    )
    await intake.resume()
    await eventually(
      async () => expect(await readLedger()).toMatchObject({ accepted: 5, missing: 0, balanced: true, inFlight: 0 }),
      patience,
    )
  })
})

describe('the ledger of an installation with a spool', () => {
  it('counts spooled webhooks as neither lost nor done, even while the ingress is killed and restarted', async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'warmhook-ledger-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const redis = await startRedisServer({ dataDir: join(directory, 'redis') })
    stack.defer(() => redis.stop())
    const spool = { REDIS_URL: redis.url, SPOOL_DIR: join(directory, 'spool') }
    const site = stack.use(await startInstallation(spool))
    const readLedger = (): Promise<Ledger> => site.api<Ledger>('/api/ledger')
    const admin = connectConsumer({ url: redis.url, onError: () => undefined })
    stack.defer(() => admin.disconnect())
    // Redis is nearly full: the ingress spools, and all other processes continue.
    await admin.setrange('ballast', 10 * 1024 * 1024, 'x')
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
    await admin.config('SET', 'maxmemory', String(Math.round(used / 0.9)))
    let accepted = 0
    await eventually(async () => {
      const { status } = await site.send('{"type":"campaign.updated","account":{"id":1}}')
      expect(status).toBe(202)
      accepted += 1
      expect(await readLedger()).toMatchObject({ inFlight: 3, missing: 0, balanced: true })
    }, patience)
    site.ingress.kill('SIGKILL')
    await site.ingress.exited
    // The ingress had no time to report the webhooks that it accepted last.
    expect(await readLedger()).toMatchObject({ missing: 0, balanced: true })
    await using next = await spawnApp('apps/ingress/src/main.ts', site.env, { readyLine: /ingress is listening/ })
    const found = { accepted, missing: 0, balanced: true }
    await eventually(async () => expect(await readLedger()).toMatchObject(found), patience)
    await admin.del('ballast')
    const settled = { accepted, inFlight: 0, missing: 0, balanced: true }
    await eventually(async () => expect(await readLedger()).toMatchObject(settled), patience)
    expect(next.output()).toContain('the spool holds webhooks of an earlier run')
  })
})

function byNumber(a: string, b: string): number {
  return (parseIntakeJobId(a)?.first ?? 0) - (parseIntakeJobId(b)?.first ?? 0)
}
