import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Secret } from '@warmhook/config/secret'
import { emptyTimeline, foldTimeline } from '@warmhook/schema/fold-timeline'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { recordBatch } from '@warmhook/testing/record-batch'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { startHttpPeer, type HttpPeer } from '@warmhook/testing/start-http-peer'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handlerDeps } from '../fixtures/handler-deps.ts'
import type { HandleEvents } from '../handler.ts'
import { pauseTracking } from '../pause-tracking/handler.ts'
import { notify } from './handler.ts'

const never = new AbortController().signal

let store: TestStore
let envelope: ReturnType<typeof createEnvelopes>
beforeEach(async () => {
  store = await openTestStore('postgres')
  envelope = createEnvelopes()
})
afterEach(() => store[Symbol.asyncDispose]())

function createHandle(slack: Pick<HttpPeer, 'url'>, db: Database = store.db): HandleEvents {
  return notify.create(settingsFor(slack), handlerDeps(db))
}

function settingsFor(slack: Pick<HttpPeer, 'url'>, owners: readonly string[] = []) {
  const account = { apiKey: new Secret('key'), baseUrl: 'http://127.0.0.1:9' }
  const accounts = new Map(owners.map((owner) => [owner, account]))
  return { url: new Secret(`${slack.url}/services/T0/B0/secret`), accounts }
}

async function arrive(...bodies: object[]): Promise<MailboxEvent[]> {
  const routed = bodies.map((body) => toRouted(envelope(body)))
  await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 })
  return routed.map(({ event }) => event)
}

/** Records a reading of the API. */
async function recordReading(campaignId: number, status: string): Promise<MailboxEvent[]> {
  const startedAt = new Date(0).toISOString()
  const body = { type: 'mailbox.reconciled', run: 'r', campaignId, status, statusCode: status, startedAt, profile: {} }
  const routed = toRouted({ ...envelope(body), source: 'reconcile' })
  await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: [routed], refused: [], dedupeWindowMs: 0 })
  return [routed.event]
}

async function trackPauses(events: readonly MailboxEvent[]): Promise<void> {
  await pauseTracking.create({}, handlerDeps(store.db))(events, never)
}

/** Ends the wait of a closed gate. */
async function waitIsOver(): Promise<void> {
  await store.db
    .updateTable('peer_gates')
    .set({ closed_until: new Date(Date.now() - 1_000) })
    .where('closed_until', 'is not', null)
    .execute()
}

function messages(slack: HttpPeer): string[] {
  return slack.requests.flatMap(({ body }) => (JSON.parse(body) as { text: string }).text.split('\n'))
}

function slackTime([event]: readonly MailboxEvent[]): string {
  const ms = event?.receivedAt ?? 0
  const fallback = `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `<!date^${Math.floor(ms / 1_000)}^{date_short_pretty} {time}|${fallback}>`
}

const problem = (id = 1, reason = 'Smtp <Error>') => ({
  type: 'campaign.connection.problematic',
  reason,
  account: { id, email: `m${id}@b.example` },
})
const updated = (id = 1) => ({ type: 'campaign.updated', account: { id, email: `m${id}@b.example` } })

describe('notify', () => {
  it('is off without a URL', () => {
    expect(notify.parse({})).toBeUndefined()
  })

  it('announces a presumed recovery only once it is read back, and nothing if the pause goes on', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    envelope = createEnvelopes(Date.now() - 10_000)
    let now = Date.now()
    const handle = notify.create(settingsFor(slack, ['acme']), { ...handlerDeps(store.db), now: () => now })
    await handle(await arrive(problem(1), problem(2), problem(3)), never)
    const opened = messages(slack).length
    const updates = await arrive(updated(1), updated(2), updated(3))
    const held = await handle(updates, never)
    expect([...held.values()]).toMatchObject(updates.map(() => ({ status: 'hold' })))
    await handle(await recordReading(1, 'active'), never)
    await handle(await recordReading(2, 'paused'), never)
    now += 60_000
    const ended = await handle(updates, never)
    expect([...ended.values()]).toMatchObject(updates.map(() => ({ status: 'done' })))
    expect(messages(slack).slice(opened)).toEqual([
      expect.stringMatching(/m1@b\.example.* works again/),
      expect.stringMatching(/m3@b\.example.* was updated and probably works again/),
    ])
  })

  it('announces the opening and closing of a pause once each, before or after pause tracking', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    const handle = createHandle(slack)
    const opening = await arrive(problem())
    await handle(opening, never)
    await trackPauses(opening)
    await handle(opening, never)
    const closing = await arrive(updated())
    await trackPauses(closing)
    await handle(closing, never)
    await handle(closing, never)
    expect(messages(slack)).toEqual([
      `:double_vertical_bar: *m1@b.example* (acme) has been paused since ${slackTime(opening)}: Smtp &lt;Error&gt;`,
      ':arrow_forward: *m1@b.example* (acme) was updated and probably works again after less than a minute (Smtp &lt;Error&gt;)',
    ])
  })

  it('announces nothing about a deleted campaign until it is active again', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    const handle = createHandle(slack)
    const bodies = [{ ...updated(), type: 'campaign.deleted' }, problem(), updated(), problem(1, 'other')]
    await handle(await arrive(...bodies), never)
    expect(slack.requests).toHaveLength(0)
    await handle(await arrive({ ...updated(), type: 'campaign.pending' }, problem()), never)
    expect(messages(slack)).toHaveLength(1)
  })

  it('announces a batch in one message with a limited number of lines', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    await createHandle(slack)(await arrive(...Array.from({ length: 25 }, (_, index) => problem(index))), never)
    expect(slack.requests).toHaveLength(1)
    expect(messages(slack)).toHaveLength(21)
    expect(messages(slack).at(-1)).toBe('… and 5 more')
  })

  it.each([
    ['3', 3_000],
    ['1', 1_000],
    ['0', 1_000],
    ['86400', 3_600_000],
    [new Date(Date.now() + 7_200_000).toUTCString(), 3_600_000],
    ['soon', 1_000],
  ])('waits for the Retry-After %j of Slack, for an hour at most, and sends once', async (asked, waitMs) => {
    let calls = 0
    await using slack = await startHttpPeer(() =>
      ++calls === 1
        ? new Response('slow down', { status: 429, headers: { 'retry-after': asked } })
        : new Response('ok'),
    )
    const events = await arrive(problem())
    const handle = createHandle(slack)
    const before = Date.now()
    const [first] = (await handle(events, never)).values()
    expect(first).toMatchObject({ status: 'hold', reason: 'Slack answered 429: slow down' })
    const notBefore = first?.status === 'hold' ? (first.notBefore ?? 0) : 0
    expect(notBefore).toBeGreaterThanOrEqual(before + waitMs)
    expect(notBefore).toBeLessThanOrEqual(Date.now() + waitMs)
    await waitIsOver()
    expect([...(await handle(events, never)).values()]).toEqual([{ status: 'done', note: 'announced' }])
    expect(calls).toBe(2)
  })

  it('sends nothing from any worker while Slack asks to wait, and then everything in one message', async () => {
    let isLimited = true
    await using slack = await startHttpPeer(() =>
      isLimited ? new Response('', { status: 429, headers: { 'retry-after': '30' } }) : new Response('ok'),
    )
    const events = await arrive(problem(1), problem(2), problem(3))
    const [first, second, third] = events.map((event) => [event])
    await createHandle(slack)(first ?? [], never)
    const others = await Promise.all([second, third].map((each) => createHandle(slack)(each ?? [], never)))
    expect(others.flatMap((each) => [...each.values()])).toMatchObject([{ status: 'hold' }, { status: 'hold' }])
    expect(slack.requests).toHaveLength(1)
    isLimited = false
    await waitIsOver()
    await createHandle(slack)(events, never)
    expect(slack.requests).toHaveLength(2)
    expect(messages(slack).slice(1)).toHaveLength(3)
  })

  it('hits a limit of one message a second once, not once for each message', async () => {
    let [last, refused] = [Number.NEGATIVE_INFINITY, 0]
    await using slack = await startHttpPeer(() => {
      const now = performance.now()
      if (now - last < 1_000) {
        refused += 1
        return new Response('', { status: 429, headers: { 'retry-after': '1' } })
      }
      last = now
      return new Response('ok')
    })
    const told = () => slack.requests.length - refused
    const workers = [createHandle(slack), createHandle(slack)]
    let waiting = await arrive(...Array.from({ length: 12 }, (_, id) => problem(id)))
    while (waiting.length > 0) {
      const runs = workers.map((handle, index) => handle(waiting.slice(index * 3, index * 3 + 3), never))
      const outcomes = new Map((await Promise.all(runs)).flatMap((each) => [...each]))
      waiting = waiting.filter(({ id }) => outcomes.get(id)?.status !== 'done')
    }
    expect(refused).toBeLessThanOrEqual(2)
    expect(told()).toBe(4)
  })

  it.each([
    [403, 'action_prohibited'],
    [404, 'no_service'],
    [404, 'channel_not_found'],
    [410, 'channel_is_archived'],
    [400, 'user_not_found'],
    [302, ''],
    [401, 'invalid_token'],
  ])('holds its events while the URL answers %i %s, calls once, and does not reveal it', async (status, word) => {
    let isGone = true
    await using slack = await startHttpPeer(() => (isGone ? new Response(word, { status }) : new Response('ok')))
    const events = await arrive(problem())
    const handle = createHandle(slack)
    const before = Date.now()
    for (let times = 0; times < 40; times += 1) {
      const [outcome] = (await handle(events, never)).values()
      expect(outcome).toMatchObject({ status: 'hold', reason: expect.stringContaining('check SLACK_WEBHOOK_URL') })
      expect(outcome?.status === 'hold' && outcome.notBefore).toBeGreaterThan(before + 50_000)
      expect(JSON.stringify(outcome)).not.toContain('secret')
    }
    expect(slack.requests).toHaveLength(1)
    isGone = false
    await waitIsOver()
    expect([...(await handle(events, never)).values()]).toEqual([{ status: 'done', note: 'announced' }])
  })

  it('discards a message that Slack rejects as invalid', async () => {
    await using slack = await startHttpPeer(() => new Response('invalid_payload', { status: 400 }))
    const outcomes = [...(await createHandle(slack)(await arrive(problem()), never)).values()]
    expect(outcomes).toEqual([{ status: 'discard', reason: 'Slack answered 400: invalid_payload' }])
  })

  it('holds its events while Slack is unreachable', async () => {
    const outcomes = await createHandle({ url: 'http://127.0.0.1:1' })(await arrive(problem()), never)
    expect([...outcomes.values()]).toMatchObject([{ status: 'hold', reason: expect.stringContaining('ECONNREFUSED') }])
  })

  it('does not announce old events', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    envelope = createEnvelopes(Date.now() - 48 * 3_600_000)
    await createHandle(slack)(await arrive(problem()), never)
    expect(slack.requests).toHaveLength(0)
  })

  it('does not announce a pause again when a late event shifts its beginning', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    const [early, known] = await arrive({ ...problem(), reason: 'other' }, problem())
    if (early === undefined || known === undefined) throw new Error('two events were recorded')
    const handle = createHandle(slack)
    await handle([known], never)
    await handle([early], never)
    expect(messages(slack)).toHaveLength(1)
  })

  it.each([1, 2])(
    'announces a pause once when a late event shifts its beginning after read %i of another worker',
    async (read) => {
      await using slack = await startHttpPeer(() => new Response('ok'))
      const [early, known] = [toRouted(envelope(problem())), toRouted(envelope(problem()))]
      const record = (...events: (typeof early)[]) =>
        recordBatch(store.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
      await record(known)
      const stop = stopAfterRead(read, store.db)
      const slow = createHandle(slack, stop.db)([known.event], never)
      await stop.reached
      await record(early)
      let isDone = false
      // Another webhook URL for the same channel. With the same URL, it would wait for its turn first.
      const second = { url: `${slack.url}/second` }
      const other = createHandle(second)([early.event], never).finally(() => (isDone = true))
      const blocked = () => sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`.execute(store.db)
      await expect.poll(async () => isDone || (await blocked()).rows.length > 0).toBe(true)
      stop.goOn()
      await Promise.all([slow, other])
      expect(messages(slack)).toHaveLength(1)
    },
  )

  it('shortens a long reason to one line', async () => {
    await using slack = await startHttpPeer(() => new Response('ok'))
    await createHandle(slack)(await arrive(problem(1), problem(2, `a\nb ${'x'.repeat(50_000)}`)), never)
    expect(messages(slack)).toHaveLength(2)
    expect(messages(slack).join('').length).toBeLessThan(1_000)
  })

  it('releases its claim when the answer is cut off', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(500, { 'content-length': '100' })
      response.write('x', () => response.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    const outcomes = await createHandle({ url: `http://127.0.0.1:${address.port}` })(await arrive(problem()), never)
    server.close()
    expect([...outcomes.values()]).toMatchObject([{ status: 'retry' }])
    expect(await store.db.selectFrom('notifications').selectAll().execute()).toEqual([])
  })

  it('accepts only a URL, and does not reveal an invalid value', () => {
    const read = (value: string) => () => notify.parse({ SLACK_WEBHOOK_URL: value })
    expect(read('https://hooks.slack.com/services/T0/B0/x')).not.toThrow()
    expect(read('T0/B0/hidden')).toThrow(/SLACK_WEBHOOK_URL must be a URL/)
    expect(read('T0/B0/hidden')).not.toThrow(/hidden/)
  })

  it('announces each pause exactly once for any order, repetition, grouping, concurrency and failure', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
        fc.array(fc.boolean(), { maxLength: 6 }),
        fc.gen(),
        async (kinds, faults, gen) => {
          const fault = faults[Symbol.iterator]()
          const told: string[] = []
          await using slack = await startHttpPeer(({ body }) => {
            if (fault.next().value === true) return new Response('rollup_error', { status: 500 })
            told.push(...(JSON.parse(body) as { text: string }).text.split('\n'))
            return new Response('ok')
          })
          const handle = createHandle(slack)
          const events = await arrive(...kinds.map((isProblem) => (isProblem ? problem() : updated())))
          let waiting: readonly MailboxEvent[] = gen(fc.shuffledSubarray, events, {
            minLength: events.length,
            maxLength: events.length,
          })
          while (waiting.length > 0) {
            const size = gen(fc.integer, { min: 1, max: waiting.length })
            const cut = Array.from({ length: Math.ceil(waiting.length / size) }, (_, index) =>
              waiting.slice(index * size, (index + 1) * size),
            )
            const again = gen(fc.subarray, events)
            if (gen(fc.boolean)) await trackPauses(waiting.slice(0, size))
            const runs = again.length === 0 ? cut : [...cut, again]
            const outcomes = await Promise.all(runs.map((batch) => handle(batch, never)))
            const isOpen = ({ id }: MailboxEvent) =>
              outcomes.some((each) => ['retry', 'hold'].includes(each.get(id)?.status ?? ''))
            waiting = events.filter(isOpen)
          }
          const { pauses } = foldTimeline(emptyTimeline, events)
          expect([
            told.filter((line) => line.includes('been paused')).length,
            told.filter((line) => line.includes('works again')).length,
          ]).toEqual([pauses.length, pauses.filter((pause) => pause.closed !== null).length])
          for (const table of ['events', 'mailboxes', 'pauses', 'notifications'] as const)
            await store.db.deleteFrom(table).execute()
        },
      ),
      { numRuns: 20 },
    )
  })
})

/** A database that blocks after this many reads of the pauses. */
function stopAfterRead(read: number, db: Database) {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: gate, resolve: goOn } = Promise.withResolvers<void>()
  const reads = new Set<object>()
  let count = 0
  const stopping = db.withPlugin({
    transformQuery({ node, queryId }) {
      if (JSON.stringify(node).includes('p.closed_at > ')) reads.add(queryId)
      return node
    },
    async transformResult({ queryId, result }) {
      if (!reads.has(queryId)) return result
      count += 1
      if (count !== read) return result
      reach()
      await gate
      return result
    },
  })
  return { db: stopping, reached, goOn }
}
