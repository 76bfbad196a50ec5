import { randomUUID } from 'node:crypto'
import { EnvelopeBatch, EventBatch, JOB_LIMITS } from '@warmhook/schema/batch'
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

  async function record(count: number, meta = ''): Promise<readonly string[]> {
    const events = Array.from({ length: count }, (_, index) =>
      toRouted(envelope({ type: 'campaign.updated', account: { id: index + 1, email: 'a@b.example', meta } }), [
        'pause-tracking',
        'crm-sync',
      ]),
    )
    await recordBatch(board.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
    return events.map(({ event }) => event.id)
  }

  /** Each list becomes a failed job that holds it. */
  async function failForGood(queue: Queue, batches: readonly (readonly MailboxEvent[])[]): Promise<void> {
    for (const events of batches) await queue.add('x', { events, dead: [] }, { attempts: 1 })
    const worker = new Worker(queue.name, () => Promise.reject(new Error('no')), {
      connection: { url: inject('redisUrl'), maxRetriesPerRequest: null },
      prefix: queue.opts.prefix ?? '',
    })
    await eventually(async () => expect(await queue.getJobCounts('failed')).toEqual({ failed: batches.length }))
    await worker.close()
  }

  async function batchesOf(queue: Queue): Promise<readonly EventBatch[]> {
    return (await queue.getJobs(['waiting'], 0, -1, true)).map((job) => EventBatch.parse(job.data))
  }

  it('gives every event once to each of its handlers, 64 to a job at most, all under one replay id', async () => {
    const ids = await record(150)
    expect(await board.post('/api/replays', { filter: { type: 'campaign.updated' } })).toEqual({
      matched: 150,
      enqueued: 150,
    })
    const batches = await batchesOf(board.queueNamed('crm-sync'))
    expect(batches.map(({ events }) => events.length)).toEqual([64, 64, 22])
    expect(batches.flatMap(({ events }) => events.map(({ id }) => id))).toEqual(ids)
    expect(new Set(batches.map(({ replayId }) => replayId)).size).toBe(1)
    expect(await batchesOf(board.queueNamed('pause-tracking'))).toHaveLength(3)
    expect(await batchesOf(board.queueNamed('notify'))).toEqual([])
  })

  it('keeps each job within the limit of bytes', async () => {
    const ids = await record(6, 'é'.repeat(50_000))
    await board.post('/api/replays', { filter: { eventIds: ids }, handler: 'crm-sync' })
    const batches = await batchesOf(board.queueNamed('crm-sync'))
    expect(batches.flatMap(({ events }) => events.map(({ id }) => id))).toEqual(ids)
    for (const batch of batches)
      expect(Buffer.byteLength(JSON.stringify(batch.events))).toBeLessThan(JOB_LIMITS.maxSize)
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
    expect(failed.map((job) => EventBatch.parse(job.data).events.map(({ id }) => id))).toEqual([[one]])
    expect(await board.queueNamed('pause-tracking').getJobCounts('failed')).toEqual({ failed: 1 })
  })

  it('counts only the events that some handler gets again', async () => {
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

  it('tells failing and accepted events apart', async () => {
    const [failing] = await record(2)
    await recordDeliveries(board.db, {
      handler: 'crm-sync',
      startedAt: Date.now(),
      finishedAt: Date.now(),
      replayId: undefined,
      records: [{ eventId: failing ?? '', status: 'failing', note: 'away' }],
    })
    expect(await board.get('/api/events?status=failing')).toMatchObject({ items: [{ id: failing }] })
    expect(await board.post('/api/replays', { filter: { status: 'accepted' }, dryRun: true })).toMatchObject({
      matched: 1,
    })
  })
})

describe('POST /api/quarantine/replay', () => {
  it('sends bytes that are not UTF-8 as they came, in jobs within the limits', async () => {
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
