import { randomUUID } from 'node:crypto'
import { EnvelopeBatch, JOB_LIMITS } from '@warmhook/schema/batch'
import { newEventJob, readEventJob, writeEventJob } from '@warmhook/schema/event-job'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import { eventually } from '@warmhook/testing/eventually'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { Worker, type Queue } from 'bullmq'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { openTestBoard, type TestBoard } from './fixtures/open-test-board.ts'

describe('POST /api/replays', () => {
  let board: TestBoard
  beforeEach(async () => {
    board = await openTestBoard()
  })
  afterEach(() => board[Symbol.asyncDispose]())

  const envelope = createEnvelopes()

  async function record(count: number): Promise<readonly string[]> {
    const events = Array.from({ length: count }, (_, index) =>
      toRouted(envelope({ type: 'campaign.updated', account: { id: index + 1, email: 'a@b.example' } }), [
        'pause-tracking',
        'crm-sync',
      ]),
    )
    await recordBatch(board.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
    return events.map(({ event }) => event.id)
  }

  /** Each list becomes a failed job that contains it. */
  async function failForGood(queue: Queue, batches: readonly (readonly MailboxEvent[])[]): Promise<void> {
    for (const events of batches) await queue.add('x', writeEventJob(newEventJob(events)), { attempts: 1 })
    const worker = new Worker(queue.name, () => Promise.reject(new Error('no')), {
      connection: { url: inject('redisUrl'), maxRetriesPerRequest: null },
      prefix: queue.opts.prefix ?? '',
    })
    await eventually(async () => expect(await queue.getJobCounts('failed')).toEqual({ failed: batches.length }))
    await worker.close()
  }

  async function jobsOf(handler: string) {
    return board.db.selectFrom('outbox').selectAll().where('handler', '=', handler).orderBy('id').execute()
  }

  it('replays every event once to each of its handlers, at most 64 per job, all under one replay id', async () => {
    const ids = await record(150)
    await board.db.deleteFrom('outbox').execute()
    expect(await board.post('/api/replays', { filter: { type: 'campaign.updated' } })).toEqual({
      matched: 150,
      enqueued: 150,
    })
    const jobs = await jobsOf('crm-sync')
    expect(jobs.map((job) => job.event_ids.length)).toEqual([64, 64, 22])
    expect(jobs.flatMap((job) => job.event_ids)).toEqual(ids)
    expect(new Set(jobs.map((job) => job.replay_id)).size).toBe(1)
    expect(jobs.every((job) => job.replay_id !== null && !job.is_queued)).toBe(true)
    expect(await jobsOf('pause-tracking')).toHaveLength(3)
    expect(await jobsOf('notify')).toEqual([])
  })

  it('replays to a named handler what it subscribes to, and counts no event as processed before it is done there', async () => {
    const account = { id: 1, email: 'a@b.example' }
    const events = ['campaign.pending', 'campaign.updated'].map((type) =>
      toRouted(envelope({ type, account }), ['pause-tracking', 'crm-sync']),
    )
    await recordBatch(board.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
    const [, updated = ''] = events.map(({ event }) => event.id)
    expect(await board.post('/api/replays', { filter: { campaignId: 1 }, handler: 'notify' })).toEqual({
      matched: 2,
      enqueued: 1,
    })
    expect((await jobsOf('notify')).map((job) => job.event_ids)).toEqual([[updated]])
    for (const handler of ['pause-tracking', 'notify']) {
      const records = [{ eventId: updated, status: 'done' as const, note: undefined }]
      await recordDeliveries(board.db, { handler, startedAt: 0, finishedAt: 1, replayId: undefined, records })
    }
    expect(await board.get(`/api/events/${updated}`)).toMatchObject({ status: 'accepted' })
  })

  it('removes the dead letters that it replays, and keeps the rest of each', async () => {
    const [one = '', two = '', three = ''] = await record(3)
    const queue = board.queueNamed('crm-sync')
    const events = await Promise.all(
      [one, two, three].map(async (id) => (await board.get<{ event: MailboxEvent }>(`/api/events/${id}`)).event),
    )
    await failForGood(queue, [events.slice(0, 2), events.slice(2)])
    await failForGood(board.queueNamed('pause-tracking'), [events.slice(0, 2)])
    await board.post('/api/replays', { filter: { eventIds: [two, three] }, handler: 'crm-sync', dryRun: true })
    expect(await queue.getJobCounts('failed')).toEqual({ failed: 2 })
    await board.post('/api/replays', { filter: { eventIds: [two, three] }, handler: 'crm-sync' })
    const failed = await queue.getJobs(['failed'])
    expect(failed.map((job) => readEventJob(job.data))).toMatchObject([{ job: { events: [{ id: one }] } }])
    expect(await board.queueNamed('pause-tracking').getJobCounts('failed')).toEqual({ failed: 1 })
  })

  it('counts only the events that are replayed to a handler', async () => {
    const ids = await record(2)
    const events = [toRouted(envelope({ type: 'campaign.updated', account: { id: 9 } }), [])]
    await recordBatch(board.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
    const eventIds = [...ids, ...events.map(({ event }) => event.id)]
    const expected = { matched: 3, enqueued: 2 }
    expect(await board.post('/api/replays', { filter: { eventIds }, dryRun: true })).toEqual(expected)
    expect(await board.post('/api/replays', { filter: { eventIds } })).toEqual(expected)
  })

  it('leaves duplicates out', async () => {
    const body = { type: 'campaign.updated', account: { id: 1, email: 'a@b.example' } }
    const events = [envelope(body), envelope(body)].map((item) => toRouted(item, ['crm-sync']))
    await recordBatch(board.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 3_600_000 })
    expect(await board.get('/api/events?status=duplicate')).toMatchObject({ items: [{ campaignId: 1 }] })
    expect(await board.post('/api/replays', { filter: { campaignId: 1 } })).toEqual({ matched: 1, enqueued: 1 })
  })

  it('distinguishes failing and accepted events', async () => {
    const [failing] = await record(2)
    await recordDeliveries(board.db, {
      handler: 'crm-sync',
      startedAt: Date.now(),
      finishedAt: Date.now(),
      replayId: undefined,
      records: [{ eventId: failing ?? '', status: 'failing', note: 'unreachable' }],
    })
    expect(await board.get('/api/events?status=failing')).toMatchObject({ items: [{ id: failing }] })
    expect(await board.post('/api/replays', { filter: { status: 'accepted' }, dryRun: true })).toMatchObject({
      matched: 1,
    })
  })
})

describe('POST /api/quarantine/replay', () => {
  it('sends bytes that are not UTF-8 unchanged, in jobs within the limits', async () => {
    await using board = await openTestBoard()
    const envelope = createEnvelopes()
    const bodies = Array.from({ length: 70 }, (_, index) =>
      Buffer.concat([Buffer.from([0xff, index]), Buffer.alloc(9_000, '"')]),
    )
    const refused = bodies.map((raw) => {
      const { id, owner, source, receivedAt } = envelope('x')
      return { id, owner, source, receivedAt, issue: 'not JSON', issues: [], raw, deliveryId: 'd' }
    })
    await recordBatch(board.db, { id: randomUUID(), isReplay: false, events: [], refused, dedupeWindowMs: 0 })
    await board.post('/api/quarantine/replay', { filter: { ids: refused.map(({ id }) => id) } })
    const jobs = await board.intake.getJobs(['waiting'], 0, -1, true)
    const batches = jobs.map((job) => EnvelopeBatch.parse(job.data).envelopes)
    const envelopes = batches.flat()
    expect(envelopes.map(({ id, receivedAt }) => [id, receivedAt])).toEqual(
      refused.map(({ id, receivedAt }) => [id, receivedAt]),
    )
    expect(envelopes.map(({ body, encoding }) => Buffer.from(body, encoding))).toEqual(bodies)
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(64)
      expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(JOB_LIMITS.maxSize)
    }
  })
})
