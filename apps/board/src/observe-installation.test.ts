import { createMetrics } from '@warmhook/telemetry/metrics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestBoard, type TestBoard } from './fixtures/open-test-board.ts'
import { observeInstallation } from './observe-installation.ts'

let board: TestBoard
beforeAll(async () => {
  board = await openTestBoard()
})
afterAll(() => board[Symbol.asyncDispose]())

describe('observeInstallation', () => {
  it('shows ledger, queues and mailboxes, and reads them anew after ten seconds only', async () => {
    const registry = createMetrics('test')
    let ms = 0
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

  it('prints the rest, and counts a failure, when the figures can not be read', async () => {
    const registry = createMetrics('test')
    const broken = new Proxy(board.intake, {
      get: () => () => Promise.reject(new Error('away')),
    })
    observeInstallation(registry, { ...board, intake: broken, now: Date.now })
    const text = await registry.metrics()
    expect(text).toMatch(/warmhook_collect_failures_total\{.*\} [01]/)
    expect(text).toContain('process_cpu_seconds_total')
    expect(await registry.getSingleMetricAsString('warmhook_collect_failures_total')).toMatch(/ 1$/)
  })
})
