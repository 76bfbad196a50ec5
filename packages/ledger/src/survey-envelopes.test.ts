import { openQueue } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { connectConsumer } from '@warmhook/queue/connections'
import type { Envelope } from '@warmhook/schema/envelope'
import { REPORTS_KEY, type IngressReport } from '@warmhook/schema/ingress-report'
import { toIntakeJobId } from '@warmhook/schema/intake-range'
import { recordBatches } from '@warmhook/store/events/record-batches'
import { readRoutedRanges } from '@warmhook/store/ledger/routed-ranges'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { planWhole } from '@warmhook/testing/record-batch'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import type { Queue } from 'bullmq'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFullLedger } from './read-full-ledger.ts'
import { keepLedger } from './start-ledger-upkeep.ts'
import { surveyEnvelopes } from './survey-envelopes.ts'

const actions = ['add', 'spool', 'refuse', 'doubt', 'drain', 'split', 'route', 'route again', 'lose', 'keep'] as const
type Action = (typeof actions)[number]

interface Job {
  readonly first: number
  readonly last: number
}

describe.each(engines)('surveyEnvelopes on %s', (engine) => {
  let stack: AsyncDisposableStack
  let store: TestStore
  let intake: Queue
  beforeAll(async () => {
    stack = new AsyncDisposableStack()
    store = stack.use(await openTestStore(engine))
    const keys = stack.use(testPrefix())
    const connection = connectConsumer({ url: keys.redisUrl, onError: () => undefined })
    stack.defer(() => connection.disconnect())
    intake = openQueue(intakeQueue, connection, { prefix: keys.prefix, onError: () => undefined })
    stack.defer(() => intake.close())
  })
  afterAll(() => stack.disposeAsync())

  /** One ingress with its spool, its jobs and the expected survey. */
  class Site {
    readonly epoch = (epochs += 1).toString(16).padStart(16, '0')
    readonly envelope = createEnvelopes(Date.now() + epochs * 1_000_000)
    readonly envelopes = new Map<number, Envelope>()
    waiting: Job[] = []
    spooled: Job[] = []
    routed: Job[] = []
    lost: Job[] = []
    readonly refused: Job[] = []
    settled = 0
    version = 0

    take(count: number): Job {
      const job = { first: this.settled + 1, last: this.settled + count }
      this.settled = job.last
      for (let number = job.first; number <= job.last; number += 1)
        this.envelopes.set(
          number,
          this.envelope({ type: 'campaign.updated', account: { id: epochs * 1_000 + number } }),
        )
      return job
    }

    idOf(job: Job): string {
      return toIntakeJobId({ epoch: this.epoch, ...job })
    }

    async run(action: Action, size: number): Promise<void> {
      const pick = (jobs: readonly Job[]): Job | undefined => jobs[size % Math.max(1, jobs.length)]
      const [waiting, spooled, routed] = [pick(this.waiting), pick(this.spooled), pick(this.routed)]
      if (action === 'add') await this.add(this.take(size))
      if (action === 'spool') this.spooled.push(this.take(size))
      if (action === 'refuse') this.refused.push(this.take(size))
      if (action === 'doubt') {
        const job = this.take(size)
        this.refused.push(job)
        await this.add(job)
      }
      if (action === 'drain' && spooled !== undefined) {
        this.spooled = this.spooled.filter((job) => job !== spooled)
        await this.add(spooled)
      }
      if (action === 'split' && waiting !== undefined && waiting.first < waiting.last) {
        await this.add({ ...waiting, last: waiting.first })
        await this.add({ ...waiting, first: waiting.first + 1 })
        if (size % 2 === 0) await this.route(waiting)
        await this.remove(waiting)
      }
      if (action === 'route' && waiting !== undefined) {
        await this.route(waiting)
        await this.remove(waiting)
      }
      if (action === 'route again' && routed !== undefined) await this.route(routed)
      if (action === 'lose' && waiting !== undefined) {
        await this.remove(waiting)
        this.lost.push(waiting)
      }
      if (action === 'keep') await keepLedger({ intake, db: store.db })
    }

    async add(job: Job): Promise<void> {
      await intake.add('mailivery ×1', {}, { jobId: this.idOf(job) })
      this.waiting.push(job)
    }

    async remove(job: Job): Promise<void> {
      await intake.remove(this.idOf(job))
      this.waiting = this.waiting.filter((other) => other !== job)
    }

    async route(job: Job): Promise<void> {
      const events = numbersOf([job]).flatMap((number) => {
        const envelope = this.envelopes.get(number)
        return envelope === undefined ? [] : [toRouted(envelope)]
      })
      await recordBatches(store.db, [{ id: this.idOf(job), isReplay: false, events, refused: [] }], {
        dedupeWindowMs: 0,
        plan: planWhole,
      })
      this.routed.push(job)
    }

    async report(): Promise<void> {
      this.version += 1
      const at = { version: this.version, reportedAt: Date.now() }
      const pairs = (jobs: readonly Job[]): [number, number][] => jobs.map(({ first, last }) => [first, last])
      const { epoch: name, settled } = this
      await report({ kind: 'epoch', name, ...at, startedAt: 0, settled, void: pairs(this.refused) })
      await report({ kind: 'spool', name, ...at, ranges: { [name]: pairs(this.spooled) } })
    }

    /** Acknowledged envelopes that are nowhere. */
    missing(): readonly number[] {
      const found = new Set(numbersOf([...this.waiting, ...this.spooled, ...this.routed, ...this.refused]))
      return [...new Set(numbersOf(this.lost))].filter((number) => !found.has(number)).toSorted((a, b) => a - b)
    }

    accepted(): number {
      const present = new Set(numbersOf([...this.waiting, ...this.spooled, ...this.routed]))
      return present.size + this.missing().length
    }
  }

  async function report(item: IngressReport): Promise<void> {
    const client = await intake.backend.client
    await client.hset(intake.toKey(REPORTS_KEY), { [`${item.kind} ${item.name}`]: JSON.stringify(item) })
  }

  it('reports exactly the acknowledged envelopes that are nowhere, whatever happened to them before', async () => {
    const history = fc.array(fc.tuple(fc.constantFrom(...actions), fc.integer({ min: 1, max: 5 })), { maxLength: 14 })
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        await store.db.deleteFrom('intake_ranges').execute()
        await store.db.deleteFrom('events').execute()
        await store.db.deleteFrom('ingress_reports').execute()
        await intake.obliterate({ force: true })
        await (await intake.backend.client).del(intake.toKey(REPORTS_KEY))
        const site = new Site()
        for (const [action, size] of steps) await site.run(action, size)
        await site.report()
        const { missing } = await surveyEnvelopes(intake, store.db)
        expect(numbersOf(missing)).toEqual(site.missing())
        const ledger = await readFullLedger(intake, store.db)
        expect(ledger).toMatchObject({
          accepted: site.accepted(),
          missing: site.missing().length,
          balanced: site.missing().length === 0,
        })
      }),
      { numRuns: engine === 'postgres' ? 100 : 30 },
    )
  })

  it('uses the reports in Postgres after Redis was wiped', async () => {
    const site = new Site()
    for (const action of ['add', 'spool', 'add', 'route'] as const) await site.run(action, 2)
    await site.report()
    await keepLedger({ intake, db: store.db })
    await intake.obliterate({ force: true })
    await (await intake.backend.client).del(intake.toKey(REPORTS_KEY))
    const { missing } = await surveyEnvelopes(intake, store.db)
    const own = missing.filter(({ epoch }) => epoch === site.epoch)
    expect(numbersOf(own)).toEqual(numbersOf(site.waiting))
  })

  it('reports approximately when missing envelopes were received', async () => {
    const site = new Site()
    for (const action of ['add', 'add', 'add'] as const) await site.run(action, 1)
    const [first, second, third] = site.waiting
    if (first === undefined || second === undefined || third === undefined) throw new RangeError('there are three')
    const before = new Date()
    await site.route(first)
    await site.route(third)
    await site.remove(second)
    await site.report()
    const { missing } = await surveyEnvelopes(intake, store.db)
    const [own] = missing.filter(({ epoch }) => epoch === site.epoch)
    expect(own).toMatchObject({ first: 2, last: 2 })
    expect(own?.after.getTime()).toBeGreaterThan(before.getTime() - 60_000)
    expect(own?.before.getTime()).toBeLessThan(Date.now() + 60_000)
  })

  it('keeps one row for adjacent ranges, regardless of the number of jobs', async () => {
    const site = new Site()
    for (let jobs = 0; jobs < 40; jobs += 1) await site.route(site.take(3))
    await keepLedger({ intake, db: store.db })
    const rows = await store.db.selectFrom('intake_ranges').selectAll().where('epoch', '=', site.epoch).execute()
    expect(rows.map(({ first, last }) => [Number(first), Number(last)])).toEqual([[1, 120]])
    await site.route({ first: 1, last: 3 })
    await site.route(site.take(1))
    await keepLedger({ intake, db: store.db })
    const ranges = await readRoutedRanges(store.db)
    expect(ranges.filter(({ epoch }) => epoch === site.epoch)).toMatchObject([{ first: 1, last: 121 }])
  })
})

let epochs = 0

function numbersOf(jobs: readonly Job[]): readonly number[] {
  return jobs.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n))
}
