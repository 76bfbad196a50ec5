import { randomUUID } from 'node:crypto'
import { connectConsumer } from '@warmhook/queue/connections'
import { reportWorker } from '@warmhook/queue/queue-activity'
import { describeBatch, EnvelopeBatch } from '@warmhook/schema/batch'
import type { Envelope } from '@warmhook/schema/envelope'
import type { Database } from '@warmhook/store/database'
import { announceHandlers } from '@warmhook/store/handlers/announce-handlers'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import { recordBatch } from '@warmhook/testing/record-batch'
import { foldEvents } from '@warmhook/store/mailboxes/fold-events'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { Worker } from 'bullmq'
import { noteRetention } from '@warmhook/store/retention/retention-state'
import { uuidFloor } from '@warmhook/store/uuid-floor'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openTestBoard, type TestBoard } from './fixtures/open-test-board.ts'

let board: TestBoard
let sent: Envelope[]

/** Twelve mailboxes with one event each, two of them paused; the last event is dead in crm-sync; two bad envelopes. */
beforeAll(async () => {
  board = await openTestBoard()
  await seed(board.db)
})
afterAll(() => board[Symbol.asyncDispose]())

async function seed(db: Database): Promise<void> {
  const envelope = createEnvelopes()
  sent = Array.from({ length: 12 }, (_, index) => {
    const account = { id: index + 1, email: `m${index + 1}@b.example`, tags: [index % 2 === 0 ? 'even' : 'odd'] }
    return envelope(
      index < 2
        ? { type: 'campaign.connection.problematic', reason: 'Smtp Connection Error', account }
        : { type: 'campaign.updated', account },
    )
  })
  const events = sent.map((item) => toRouted(item, ['pause-tracking', 'crm-sync']))
  const refused = ['hello', '{'].map((body) => {
    const { id, owner, source, receivedAt } = envelope(body)
    const issues = [{ code: 'not_json', path: [], message: 'the body is not JSON' }]
    return { id, owner, source, receivedAt, issue: 'not JSON', issues, raw: Buffer.from(body), deliveryId: undefined }
  })
  await recordBatch(db, { id: randomUUID(), isReplay: false, events, refused, dedupeWindowMs: 0 })
  await foldEvents(
    db,
    events.map(({ event }) => event),
  )
  const records = sent.map(({ id }) => ({ eventId: id, status: 'done', note: undefined }) as const)
  const attempt = { startedAt: Date.now(), finishedAt: Date.now(), replayId: undefined }
  await recordDeliveries(db, { ...attempt, handler: 'pause-tracking', records })
  await recordDeliveries(db, { ...attempt, handler: 'crm-sync', records: records.slice(0, 11) })
  const dead = records.slice(11).map((record) => ({ ...record, status: 'dead' as const, note: 'no such contact' }))
  await recordDeliveries(db, { ...attempt, handler: 'crm-sync', records: dead })
}

interface Page {
  readonly items: readonly Record<string, unknown>[]
  readonly nextCursor: string | null
}

describe('the board', () => {
  it.each(['/', '/queues', '/api/ledger', '/api/openapi.json', '/nothing'])(
    'asks for a password at %s',
    async (path) => {
      const response = await board.anonymous(path)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic/)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    },
  )

  it.each(['/healthz', '/metrics'])('asks for none at %s', async (path) => {
    expect((await board.anonymous(path)).status).toBe(200)
  })

  it('says that an event may have been removed in the meantime', async () => {
    await noteRetention(board.db, 90)
    const detailOf = async (ageDays: number): Promise<unknown> => {
      const id = uuidFloor(Date.now() - ageDays * 86_400_000).replace('-0000-0000', '-7000-8000')
      return ((await (await board.request(`/api/events/${id}`)).json()) as { detail: string }).detail
    }
    expect(await detailOf(91)).toBe('No event with this id: events are removed after 90 days (RETENTION_DAYS)')
    expect(await detailOf(89)).toMatch(/may not have been recorded yet/)
  })

  it('answers unknown paths and invalid requests with problem details', async () => {
    for (const [path, status] of [
      ['/nothing', 404],
      ['/api/events/nope', 400],
      [`/api/events/${randomUUID()}`, 404],
      ['/api/mailboxes/acme/999', 404],
      ['/api/events?limit=201', 400],
      ['/api/mailboxes?status=odd', 400],
      ['/api/events?cursor=xx', 400],
      [`/api/events?cursor=${Buffer.from('-'.repeat(36)).toString('base64url')}`, 400],
      ['/api/mailboxes?q=%00', 400],
      ['/api/mailboxes/%00/1', 400],
      ['/api/quarantine?issue=%00', 400],
    ] as const) {
      const response = await board.request(path)
      expect([path, response.status, response.headers.get('content-type')]).toEqual([
        path,
        status,
        'application/problem+json',
      ])
      expect(await response.json()).toMatchObject({ status })
    }
  })

  it('rejects unknown query parameters, and names the allowed ones', async () => {
    const { paths } = await board.get<{ paths: Record<string, Record<string, unknown>> }>('/api/openapi.json')
    for (const [path, methods] of Object.entries(paths)) {
      const real = path
        .replace('{id}', randomUUID())
        .replace('{owner}', 'a')
        .replace(/\{\w+\}/, '1')
      const [method = ''] = Object.keys(methods)
      const response = await board.request(`/api${real}?sort=asc`, { method: method.toUpperCase() })
      expect([path, response.status]).toEqual([path, 400])
      expect(await response.json()).toMatchObject({ detail: expect.stringContaining('Unknown: sort; ') })
    }
    const pauses = await board.request('/api/pauses?order=asc')
    expect(await pauses.json()).toMatchObject({
      detail: 'Invalid request: Unknown: order; allowed: limit, cursor, state, owner, since, until',
    })
    expect((await board.request('/api/quarantine?cursor=x')).status).toBe(400)
  })

  it('shows a dashboard', async () => {
    const html = await (await board.request('/')).text()
    expect(html).toContain('ledger balances')
    expect(html).toContain('m1@b.example')
  })

  it('describes its API', async () => {
    const { paths } = await board.get<{ paths: Record<string, unknown> }>('/api/openapi.json')
    expect(Object.keys(paths)).toEqual([
      '/mailboxes',
      '/mailboxes/{owner}/{campaignId}',
      '/incidents',
      '/pauses',
      '/events',
      '/events/{id}',
      '/replays',
      '/quarantine',
      '/quarantine/replay',
      '/handlers',
      '/handlers/{name}/pause',
      '/handlers/{name}/resume',
      '/crm',
      '/crm/contacts',
      '/crm/{owner}/resume',
      '/crm/{owner}/plan',
      '/crm/{owner}/apply',
      '/crm/{owner}/comparison',
      '/reconciliations',
      '/mailivery',
      '/warmup-starts',
      '/mailboxes/{owner}/{campaignId}/reconnect',
      '/ledger',
      '/stats',
    ])
  })
})

describe('the lists', () => {
  it.each([
    ['/api/mailboxes?', 12],
    ['/api/mailboxes?status=paused&', 2],
    ['/api/mailboxes?tag=odd&', 6],
    ['/api/mailboxes?q=M1&', 4],
    ['/api/mailboxes?q=%25&', 0],
    ['/api/mailboxes?owner=other&', 0],
    ['/api/pauses?state=open&', 2],
    ['/api/pauses?state=closed&', 0],
    ['/api/events?', 12],
    ['/api/events?type=campaign.updated&', 10],
    ['/api/events?status=processed&', 11],
    ['/api/events?status=dead&', 1],
    ['/api/events?campaignId=3&', 1],
    ['/api/events?q=m12&', 1],
    ['/api/events?since=2100-01-01T00:00:00Z&', 0],
    ['/api/events?since=2020-01-01&until=2100-01-01&', 12],
    ['/api/events?since=2100-01-01T00:00:00+02:00&', 0],
    ['/api/pauses?since=2020-01-01&', 2],
    ['/api/pauses?since=2100-01-01&', 0],
    ['/api/pauses?until=2020-01-01T00:00:00 02:00&', 0],
    ['/api/quarantine?issue=not+JSON&', 2],
  ])('%s gives each of its %i items once, page by page', async (path, count) => {
    const seen: string[] = []
    for (let cursor = ''; ;) {
      const page = await board.get<Page>(`${path}limit=5${cursor}`)
      seen.push(...page.items.map((item) => JSON.stringify(item)))
      if (page.nextCursor === null) break
      expect(page.items).toHaveLength(5)
      cursor = `&cursor=${page.nextCursor}`
    }
    expect(seen).toHaveLength(count)
    expect(new Set(seen).size).toBe(count)
  })

  it('shows a mailbox with its pauses and events', async () => {
    expect(await board.get('/api/mailboxes/acme/1')).toMatchObject({
      campaignId: 1,
      status: 'paused',
      pauses: [{ reason: 'Smtp Connection Error', category: 'smtp_connection', closedAt: null }],
      events: [{ type: 'campaign.connection.problematic', status: 'processed' }],
    })
  })

  it('shows an event with its body and deliveries', async () => {
    const [last] = sent.slice(-1)
    expect(await board.get(`/api/events/${last?.id}`)).toMatchObject({
      status: 'dead',
      raw: last?.body,
      encoding: 'utf8',
      event: { campaignId: 12 },
      deliveries: [
        { handler: 'crm-sync', status: 'dead', attempts: 1, note: 'no such contact' },
        { handler: 'pause-tracking', status: 'done', attempts: 1, note: null },
      ],
    })
  })

  it('answers the id of a quarantined webhook with its item', async () => {
    const [item] = (await board.get<Page>('/api/quarantine?issue=not+JSON')).items
    expect(await board.get(`/api/events/${String(item?.['id'])}`)).toEqual(item)
  })

  it('groups the quarantine by issue', async () => {
    expect(await board.get('/api/quarantine')).toMatchObject({ groups: [{ issue: 'not JSON', count: 2 }] })
    expect((await board.get<Page>('/api/quarantine?issue=not+JSON')).items).toMatchObject([
      { raw: '{', issues: [{ code: 'not_json' }] },
      { raw: 'hello' },
    ])
  })

  it('counts for the overview', async () => {
    expect(await board.get('/api/stats')).toMatchObject({
      mailboxes: { paused: 2, active: 10 },
      openPauses: 2,
      openPausesByCategory: { smtp_connection: 2 },
    })
  })
})

describe('the ledger', () => {
  it('counts what is still in the intake queue, and a routed batch once', async () => {
    const balanced = {
      accepted: 14,
      processed: 11,
      duplicate: 0,
      quarantined: 2,
      dead: 1,
      inFlight: 0,
      missing: 0,
      balanced: true,
    }
    expect(await board.get('/api/ledger')).toEqual(balanced)
    const envelope = createEnvelopes()
    const waiting = { id: randomUUID(), envelopes: [envelope('{}'), envelope('{}')] }
    await board.intake.add(
      describeBatch(waiting.envelopes.map(({ source }) => source)),
      { envelopes: waiting.envelopes },
      { jobId: waiting.id },
    )
    expect(await board.get('/api/ledger')).toEqual({ ...balanced, accepted: 16, inFlight: 2 })
    await board.intake.remove(waiting.id)
  })
})

describe('replays', () => {
  it('count without replaying in a dry run, and replay dead events to the handler in which they are dead', async () => {
    const replayed = () => board.db.selectFrom('outbox').selectAll().where('replay_id', 'is not', null).execute()
    expect(await board.post('/api/replays', { filter: { status: 'dead' }, dryRun: true })).toEqual({
      matched: 1,
      enqueued: 1,
    })
    expect(await replayed()).toEqual([])
    expect(await board.post('/api/replays', { filter: { status: 'dead' } })).toEqual({ matched: 1, enqueued: 1 })
    expect(await replayed()).toMatchObject([{ handler: 'crm-sync', event_ids: sent.slice(-1).map(({ id }) => id) }])
  })

  it('reject an empty filter and an unknown handler', async () => {
    expect(await board.post('/api/replays', { filter: {} })).toMatchObject({ status: 400 })
    expect(await board.post('/api/replays', { filter: { campaignId: 1 }, handler: 'nobody' })).toMatchObject({
      status: 400,
    })
  })

  it('send complete quarantined envelopes to the router again', async () => {
    expect(await board.post('/api/quarantine/replay', { filter: { issue: 'not JSON' }, dryRun: true })).toEqual({
      matched: 2,
      enqueued: 2,
    })
    expect(await board.intake.getJobCounts('waiting')).toEqual({ waiting: 0 })
    expect(await board.post('/api/quarantine/replay', { filter: { issue: 'not JSON' } })).toEqual({
      matched: 2,
      enqueued: 2,
    })
    const [job] = await board.intake.getJobs(['waiting'])
    const batch = EnvelopeBatch.parse(job?.data)
    expect(batch.envelopes.map(({ body }) => body)).toEqual(['hello', '{'])
    expect(batch.replay).toBe(true)
    expect(await board.get('/api/ledger')).toMatchObject({ accepted: 14, balanced: true })
    await job?.remove()
  })
})

describe('handlers', () => {
  it('are paused and resumed', async () => {
    expect(await board.post('/api/handlers/notify/pause', {})).toMatchObject({ name: 'notify', paused: true })
    expect(await board.post('/api/handlers/notify/resume', {})).toMatchObject({ name: 'notify', paused: false })
    expect(await board.post('/api/handlers/nobody/pause', {})).toMatchObject({ status: 404 })
  })
})

describe('GET /api/handlers', () => {
  const statusOf = async (name: string) =>
    (await board.get<Page>('/api/handlers')).items.find((item) => item['name'] === name)

  it('shows how long batches wait; one that is scheduled for a retry is not late', async () => {
    const queue = board.queueNamed('notify')
    const timestamp = Date.now() - 60_000
    const job = await queue.add('x', { events: [], dead: [] }, { timestamp, delay: 3_600_000 })
    const notify = await statusOf('notify')
    expect(notify).toMatchObject({ depth: 1, active: 0, failing: 0, paused: false, oldestClaimableAgeMs: null })
    expect(notify?.['oldestAgeMs']).toBeGreaterThanOrEqual(60_000)
    await job.remove()
    const waiting = await queue.add('x', { events: [], dead: [] }, { timestamp })
    expect((await statusOf('notify'))?.['oldestClaimableAgeMs']).toBeGreaterThanOrEqual(60_000)
    await waiting.remove()
  })

  it('counts batches that wait in Postgres for room in Redis', async () => {
    const [event] = sent
    const created_at = new Date(Date.now() - 60_000)
    const row = { id: randomUUID(), handler: 'notify', event_ids: [event?.id ?? ''], replay_id: null, created_at }
    await board.db
      .insertInto('outbox')
      .values({ ...row, is_queued: false })
      .execute()
    const notify = await statusOf('notify')
    expect(notify).toMatchObject({ depth: 1 })
    expect(notify?.['oldestAgeMs']).toBeGreaterThanOrEqual(60_000)
    expect(notify?.['oldestClaimableAgeMs']).toBeGreaterThanOrEqual(60_000)
    await board.post('/api/handlers/notify/pause', {})
    expect(await statusOf('notify')).toMatchObject({ depth: 1, oldestClaimableAgeMs: null })
    await board.post('/api/handlers/notify/resume', {})
    await board.db.updateTable('outbox').set({ is_queued: true }).where('id', '=', row.id).execute()
    expect(await statusOf('notify')).toMatchObject({ depth: 0, oldestAgeMs: null })
    await board.db.deleteFrom('outbox').where('id', '=', row.id).execute()
  })

  it('counts the events that are being retried and those that are dead, until they are done', async () => {
    const startedAt = Date.now() - 120_000
    const failing = sent.slice(0, 3).map(({ id }) => ({ eventId: id, status: 'failing', note: 'no' }) as const)
    const record = (records: Parameters<typeof recordDeliveries>[1]['records']) =>
      recordDeliveries(board.db, { handler: 'notify', startedAt, finishedAt: Date.now(), replayId: undefined, records })
    await record(failing)
    expect(await statusOf('notify')).toMatchObject({ failing: 3, dead: 0 })
    expect((await statusOf('notify'))?.['retryingAgeMs']).toBeGreaterThanOrEqual(120_000)
    expect(await (await board.request('/')).text()).toContain('notify is retrying 3 events, the oldest for 2 min')
    await record(failing.map((delivery) => ({ ...delivery, status: 'done' })))
    expect(await statusOf('notify')).toMatchObject({ failing: 0, dead: 0, retryingAgeMs: null })
    expect(await statusOf('crm-sync')).toMatchObject({ dead: 1 })
    const replay = { handler: 'crm-sync', startedAt, finishedAt: Date.now(), replayId: randomUUID() }
    const [last] = sent.slice(-1)
    await recordDeliveries(board.db, {
      ...replay,
      records: [{ eventId: last?.id ?? '', status: 'done', note: undefined }],
    })
    expect(await statusOf('crm-sync')).toMatchObject({ dead: 0 })
    expect(await (await board.request('/')).text()).not.toContain('dead in crm-sync')
  })

  it('shows which handlers are enabled, how many workers process each, and how much they finish', async () => {
    expect(await statusOf('crm-sync')).toMatchObject({ enabled: false, workers: 0, ratePerMinute: 0 })
    expect(await (await board.request('/')).text()).toContain('No worker processes the intake queue')
    const queues = [
      { name: 'intake', finished: 0 },
      { name: 'crm-sync', finished: 640 },
    ]
    await reportWorker(board.redis, board.prefix, { workerId: 'w', queues })
    await announceHandlers(
      board.db,
      ['crm-sync', 'pause-tracking'].map((name) => ({ name, subscribes: [], batchMax: 1 })),
    )
    expect(await statusOf('crm-sync')).toMatchObject({ enabled: true, workers: 1, ratePerMinute: 640 })
    expect(await statusOf('pause-tracking')).toMatchObject({ enabled: true, workers: 0 })
    expect(await statusOf('notify')).toMatchObject({ enabled: false, workers: 0 })
    const page = await (await board.request('/')).text()
    expect(page).not.toContain('No worker processes the intake queue')
    expect(page).toContain('No worker processes the queue of pause-tracking')
    expect(page).not.toContain('No worker processes the queue of notify')
  })
})

describe('Bull Board', () => {
  it('lists jobs without addresses or bodies, and no more than a hundred', async () => {
    const queue = board.queueNamed('notify')
    const events = sent.slice(0, 1).map((item) => toRouted(item).event)
    const job = await queue.add('campaign.updated ×1', { events, dead: [] })
    const text = await (
      await board.request('/queues/api/queues?activeQueue=notify&status=waiting&page=1&jobsPerPage=10')
    ).text()
    expect(text).toContain('campaign.updated ×1')
    expect(text).toContain(events[0]?.id)
    expect(text).not.toContain('m1@b.example')
    expect((await board.request('/queues/api/queues?jobsPerPage=101')).status).toBe(400)
    await job.remove()
  })

  it('retries a failed job, and adds none by hand', async () => {
    const queue = board.queueNamed('notify')
    const job = await queue.add('x', { events: [], dead: [] }, { attempts: 1 })
    const connection = connectConsumer({ url: inject('redisUrl'), onError: () => undefined })
    const failing = new Worker('notify', () => Promise.reject(new Error('no')), {
      connection,
      prefix: queue.opts.prefix ?? '',
      autorun: false,
    })
    const failed = new Promise((resolve) => failing.once('failed', resolve))
    void failing.run()
    await failed
    await failing.close()
    connection.disconnect()
    expect(await job.getState()).toBe('failed')
    const response = await board.request(`/queues/api/queues/notify/${job.id}/retry`, {
      method: 'PUT',
      headers: { origin: 'http://localhost' },
    })
    expect(response.status).toBeLessThan(300)
    expect(await job.getState()).toBe('waiting')
    const added = await board.request('/queues/api/queues/notify/add', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    expect(added.status).toBe(403)
    await job.remove()
  })
})
