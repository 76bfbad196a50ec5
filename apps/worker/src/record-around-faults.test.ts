import { randomUUID } from 'node:crypto'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { planWhole } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordAroundFaults } from './record-around-faults.ts'

let store: TestStore
const terms = { dedupeWindowMs: 0, plan: planWhole }
beforeEach(async () => {
  store = await openTestStore()
})
afterEach(() => store[Symbol.asyncDispose]())

describe('recordAroundFaults', () => {
  it('quarantines events that the database rejects, and records the rest', async () => {
    await sql`ALTER TABLE events ADD CHECK (campaign_id <> 13)`.execute(store.db)
    const envelope = createEnvelopes()
    const [first, second] = [[1, 2, 13, 4], [5]].map((ids) => ({
      id: randomUUID(),
      isReplay: false,
      events: ids.map((id) => toRouted(envelope({ type: 'campaign.updated', account: { id } }))),
      refused: [],
    }))
    if (first === undefined || second === undefined) throw new RangeError('there are two')
    const { jobs } = await recordAroundFaults(store.db, [first, second], terms)
    expect(jobs.flatMap(({ events }) => events.map((event) => event.campaignId))).toEqual([1, 2, 4, 5])
    expect(await store.db.selectFrom('quarantine').select(['id', 'issue']).execute()).toEqual([
      { id: first.events[2]?.event.id, issue: 'not storable' },
    ])
    const receipts = await store.db.selectFrom('intake_batches').select('envelopes').orderBy('envelopes').execute()
    expect(receipts.map(({ envelopes }) => envelopes)).toEqual([1, 4])
  })

  it('throws if the database itself fails', async () => {
    await sql`DROP TABLE deliveries`.execute(store.db)
    await sql`DROP TABLE intake_batches`.execute(store.db)
    const event = toRouted(createEnvelopes()({ type: 'campaign.updated', account: { id: 1 } }))
    const batch = { id: randomUUID(), isReplay: false, events: [event], refused: [] }
    await expect(recordAroundFaults(store.db, [batch], terms)).rejects.toThrow(/intake_batches/)
  })
})
