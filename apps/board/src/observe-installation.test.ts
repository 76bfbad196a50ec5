import { randomUUID } from 'node:crypto'
import { connectProducer } from '@warmhook/queue/connections'
import { noteRetention } from '@warmhook/store/retention/retention-state'
import { createMetrics } from '@warmhook/telemetry/metrics'
import { eventually } from '@warmhook/testing/eventually'
import { recordGroup } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openTestBoard, type TestBoard } from './fixtures/open-test-board.ts'
import { observeInstallation } from './observe-installation.ts'

let board: TestBoard
beforeAll(async () => {
  board = await openTestBoard()
})
afterAll(() => board[Symbol.asyncDispose]())

describe('observeInstallation', () => {
  it('shows ledger, queues and mailboxes, and reads them at most every ten seconds', async () => {
    const registry = createMetrics('test')
    let ms = Date.parse('2026-03-01T12:00:00Z')
    observeInstallation(registry, { ...board, now: () => ms })
    expect(await registry.metrics()).toMatch(/warmhook_ledger_events\{state="accepted".*\} 0/)
    const id = '019a1b2c-0000-7000-8000-000000000001'
    await board.intake.add('mailivery ×3', { envelopes: [] }, { jobId: id })
    ms += 9_000
    expect(await registry.metrics()).toMatch(/warmhook_ledger_events\{state="accepted".*\} 0/)
    ms += 2_000
    const text = await registry.metrics()
    await board.intake.remove(id)
    expect(text).toMatch(/warmhook_ledger_events\{state="accepted".*\} 3/)
    expect(text).toMatch(/warmhook_queue_jobs\{queue="intake",state="waiting".*\} 1/)
    expect(text).toMatch(/warmhook_mailboxes\{status="paused".*\} 0/)
  })

  it('shows the age of the oldest event and of the last retention run, and omits them if there is none', async () => {
    const registry = createMetrics('test')
    let ms = Date.parse('2026-03-01T12:00:00Z')
    observeInstallation(registry, { ...board, now: () => ms })
    const ages = /^warmhook_(oldest_event|retention_last_run)_age_seconds(\{.*\})? /m
    expect(await registry.metrics()).not.toMatch(ages)
    const event = createEnvelopes()({ type: 'campaign.updated', account: { id: 1 } }, ms)
    await recordGroup(
      board.db,
      [{ id: randomUUID(), isReplay: false, events: [toRouted(event, [])], refused: [] }],
      3_600_000,
    )
    await noteRetention(board.db, 90)
    ms += 60_000
    const text = await registry.metrics()
    expect(text).toMatch(/^warmhook_oldest_event_age_seconds(\{.*\})? 60$/m)
    expect(text).toMatch(/^warmhook_retention_last_run_age_seconds(\{.*\})? \d/m)
  })

  it('omits metrics that cannot be read, prints the others and counts a failure', async () => {
    const registry = createMetrics('test')
    const connection = connectProducer({ url: inject('redisUrl'), onError: () => undefined })
    let ms = Date.parse('2026-03-01T12:00:00Z')
    await connection.ping().catch(() => undefined)
    observeInstallation(registry, { ...board, redis: connection, now: () => ms })
    await eventually(async () => {
      ms += 11_000
      expect(await registry.metrics()).toMatch(/warmhook_queue_workers\{queue="intake".*\} 0/)
    })
    connection.disconnect()
    ms += 11_000
    const text = await registry.metrics()
    expect(text).not.toMatch(/^warmhook_(ledger|queue|handler|mailboxes|oldest|retention)\w*\{/m)
    expect(text).toContain('process_cpu_seconds_total')
    expect(await registry.getSingleMetricAsString('warmhook_collect_failures_total')).toMatch(/ [1-9]\d*$/)
  })
})
