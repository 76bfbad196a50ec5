import { randomUUID } from 'node:crypto'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { expect, it } from 'vitest'
import { classifyEvents } from './classify-events.ts'

const windowMs = 3_600_000

it('gives a duplicate that is routed again the same verdict again', async () => {
  await using store = await openTestStore()
  const envelope = createEnvelopes()
  const events = ['a', 'b'].map(() => toRouted(envelope({ type: 'campaign.updated', account: { id: 1 } }), ['notify']))
  const batch = { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: windowMs }
  const [first, second] = events.map(({ event }) => event.id)
  expect((await recordBatch(store.db, batch)).forHandlers.map(({ id }) => id)).toEqual([first])
  const again = await store.db.transaction().execute((tx) => classifyEvents(tx, [first ?? '', second ?? ''], windowMs))
  expect(again).toEqual({ duplicates: new Set([second]), changed: [] })
  expect((await recordBatch(store.db, batch)).forHandlers.map(({ id }) => id)).not.toContain(second)
})
