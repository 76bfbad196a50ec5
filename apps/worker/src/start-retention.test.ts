import { randomUUID } from 'node:crypto'
import type { Removed } from '@warmhook/store/retention/run-retention'
import { createMetrics } from '@warmhook/telemetry/metrics'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes } from '@warmhook/testing/webhook-events'
import { describe, expect, it } from 'vitest'
import { startRetention } from './start-retention.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

const dayMs = 24 * 3_600_000
const hourMs = 3_600_000
const schedule = { firstAfterMs: 1, everyMs: 1 }

describe('startRetention', () => {
  it('removes data older than the retention period plus the deduplication window, and continues after an error', async () => {
    await using store = await openTestStore()
    const now = Date.parse('2026-06-01T00:00:00Z')
    const envelope = createEnvelopes()
    const refused = [10 * dayMs, 10 * dayMs + hourMs - 1, 10 * dayMs + hourMs + 1].map((age) => ({
      ...envelope('{', now - age),
      issue: 'not JSON',
      issues: [],
      raw: Buffer.from('{'),
      deliveryId: undefined,
    }))
    await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: [], refused, dedupeWindowMs: 0 })
    const registry = createMetrics('test')
    const failed = Promise.withResolvers<unknown>()
    const removed = Promise.withResolvers<Removed>()
    let clock = (): number => {
      clock = () => now
      throw new Error('once')
    }
    await using retention = startRetention({
      db: store.db,
      keptDays: 10,
      dedupeWindowMs: hourMs,
      metrics: createWorkerMetrics(registry),
      schedule,
      now: () => clock(),
      onRemoved: removed.resolve,
      onError: failed.resolve,
    })
    expect(await failed.promise).toMatchObject({ message: 'once' })
    expect(await removed.promise).toEqual({ events: 0, deliveries: 0, quarantine: 1, receipts: 0, notifications: 0 })
    await retention[Symbol.asyncDispose]()
    const left = await store.db.selectFrom('quarantine').select('id').orderBy('id').execute()
    expect(left.map(({ id }) => id)).toEqual([refused[1]?.id, refused[0]?.id])
    expect(await registry.metrics()).toMatch(/warmhook_retention_removed_total\{table="quarantine".*\} 1/)
  })

  it('keeps everything with RETENTION_DAYS=0', async () => {
    await using store = await openTestStore()
    const fail = (error: unknown): never => expect.fail(String(error))
    const deps = { db: store.db, keptDays: 0, dedupeWindowMs: 0, metrics: createWorkerMetrics(createMetrics('test')) }
    await using retention = startRetention({
      ...deps,
      schedule,
      now: () => fail('asked'),
      onRemoved: fail,
      onError: fail,
    })
    await retention[Symbol.asyncDispose]()
  })
})
