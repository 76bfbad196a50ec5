import { randomUUID } from 'node:crypto'
import { openTestStore } from '@warmhook/testing/open-test-store'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { expect, it } from 'vitest'
import { sql } from 'kysely'

it('owes an event recorded by a router without an outbox once, when its job is routed again', async () => {
  await using store = await openTestStore()
  const envelope = createEnvelopes()
  const [earlier, fresh] = [1, 2].map((id) => toRouted(envelope({ type: 'campaign.created', account: { id } })))
  if (earlier === undefined || fresh === undefined) throw new RangeError('two events were made')
  const route = (events: readonly (typeof fresh)[]) =>
    recordBatch(store.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
  await route([earlier])
  await sql`UPDATE events SET in_outbox = false`.execute(store.db)
  await store.db.deleteFrom('outbox').execute()

  const idsOf = async (events: readonly (typeof fresh)[]) => (await route(events)).forHandlers.map(({ id }) => id)
  expect(await idsOf([earlier, fresh])).toEqual([earlier.event.id, fresh.event.id])
  expect(await idsOf([earlier, fresh])).toEqual([])
  const { rows } = await sql<{ count: string }>`SELECT sum(cardinality(event_ids)) AS count FROM outbox`.execute(
    store.db,
  )
  expect(Number(rows[0]?.count)).toBe(2)
})
