import { randomUUID } from 'node:crypto'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import type { Queue } from 'bullmq'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestBoard, type TestBoard } from './fixtures/open-test-board.ts'

describe('Bull Board', () => {
  let board: TestBoard
  let notify: Queue
  let waiting: { readonly envelopeJob: string; readonly eventJob: string }
  beforeAll(async () => {
    board = await openTestBoard()
    notify = board.queueNamed('notify')
  })
  afterAll(() => board[Symbol.asyncDispose]())

  const envelope = createEnvelopes()
  const update = { type: 'campaign.updated', account: { id: 1, email: 'jane@b.example' } }
  beforeEach(async () => {
    await Promise.all([board.intake.drain(true), notify.drain(true)])
    waiting = { envelopeJob: randomUUID(), eventJob: randomUUID() }
    await board.intake.add('mailivery ×1', { envelopes: [envelope(update)] }, { jobId: waiting.envelopeJob })
    await notify.add('x', { events: [toRouted(envelope(update)).event], dead: [] }, { jobId: waiting.eventJob })
  })

  async function write(method: string, path: string, body: object = {}): Promise<number> {
    const headers = { 'content-type': 'application/json' }
    return (await board.request(`/queues/api/queues/${path}`, { method, body: JSON.stringify(body), headers })).status
  }

  it('removes nothing from the intake queue, which contains the only copy', async () => {
    for (const path of [
      `intake/${waiting.envelopeJob}/clean`,
      'intake/clean/waiting',
      'intake/clean/failed',
      'intake/empty',
      'intake/obliterate',
    ]) {
      expect([path, await write('PUT', path, { force: true })]).toEqual([path, 403])
    }
    expect(await board.get('/api/ledger')).toMatchObject({ accepted: 1, inFlight: 1, balanced: true })
  })

  it('writes no payload, because it only shows a part of it', async () => {
    const before = await notify.getJob(waiting.eventJob)
    expect(await write('PATCH', `notify/${waiting.eventJob}/update-data`, { jobData: {} })).toBe(403)
    expect(await write('POST', 'notify/add', { name: 'x', data: {} })).toBe(403)
    const after = await notify.getJob(waiting.eventJob)
    expect(after?.data).toEqual(before?.data)
    expect(await notify.getJobCounts('waiting')).toEqual({ waiting: 1 })
  })

  it("clears a handler's queue, whose events the database has", async () => {
    expect(await write('PUT', `notify/${waiting.eventJob}/clean`)).toBe(204)
    expect(await notify.getJob(waiting.eventJob)).toBeUndefined()
  })

  it('shows a single job like a list: without an address or a body', async () => {
    for (const path of [`notify/${waiting.eventJob}`, `intake/${waiting.envelopeJob}`]) {
      const text = await (await board.request(`/queues/api/queues/${path}`)).text()
      expect(text).toContain('acme')
      expect(text).not.toContain('jane@')
    }
  })

  it('runs only its own script files', async () => {
    const response = await board.request('/queues')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self';")
    const scripts = (await response.text()).match(/<script[^>]*>/g) ?? []
    expect(scripts.filter((tag) => !tag.includes('src="') && !tag.includes('application/json'))).toEqual([])
  })
})
