import { randomUUID } from 'node:crypto'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes } from '@warmhook/testing/webhook-events'
import { expect, it } from 'vitest'
import { listQuarantine, selectQuarantined } from './list-quarantine.ts'
import type { RefusedEnvelope } from './record-quarantine.ts'

it('returns quarantined envelopes as they were received, and lists them page by page', async () => {
  await using store = await openTestStore()
  const envelope = createEnvelopes()
  const extras = [{}, { deliveryId: 'a delivery' }, { contentEncoding: 'gzip' }]
  const received = extras.map((extra) => ({ ...envelope('{'), ...extra }))
  const refused = received.map((one): RefusedEnvelope => ({
    deliveryId: undefined,
    ...one,
    issue: 'not JSON',
    issues: [],
    raw: Buffer.from('{'),
  }))
  await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: [], refused, dedupeWindowMs: 0 })
  const [page, ...more] = await Array.fromAsync(selectQuarantined(store.db, { issue: 'not JSON' }))
  expect(page).toEqual(received)
  expect(more).toEqual([])
  expect(await Array.fromAsync(selectQuarantined(store.db, { ids: [received[1]?.id ?? ''] }))).toEqual([[received[1]]])

  const first = await listQuarantine(store.db, 'not JSON', { limit: 2, cursor: undefined })
  const second = await listQuarantine(store.db, 'not JSON', { limit: 2, cursor: first.nextCursor ?? undefined })
  expect([first, second].map(({ items }) => items.map(({ id }) => id))).toEqual([
    [received[2]?.id, received[1]?.id],
    [received[0]?.id],
  ])
  expect(second.nextCursor).toBeNull()
})
