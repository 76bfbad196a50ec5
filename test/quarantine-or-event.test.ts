import { randomUUID } from 'node:crypto'
import type { Envelope } from '@warmhook/schema/envelope'
import { recordDeliveries } from '@warmhook/store/deliveries/record-deliveries'
import type { RoutedBatch } from '@warmhook/store/events/record-batches'
import type { RefusedEnvelope } from '@warmhook/store/quarantine/record-quarantine'
import { recordGroup } from '@warmhook/testing/record-batch'
import { engines, openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

type Verdict = 'event' | 'refused'

describe.each(engines)('an envelope that is routed more than once, on %s', (engine) => {
  let store: TestStore
  beforeAll(async () => {
    store = await openTestStore(engine)
  })
  afterAll(() => store[Symbol.asyncDispose]())

  it('is an event or quarantined, never both, for any verdicts and any grouping of the attempts', async () => {
    const attempt = fc.record({
      verdict: fc.constantFrom<Verdict>('event', 'refused'),
      envelope: fc.nat(2),
      isReplay: fc.boolean(),
    })
    const groups = fc.array(fc.array(attempt, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(groups, async (history) => {
        const envelopes = makeEnvelopes()
        const at = (index: number): Envelope => envelopes[index % envelopes.length] as Envelope
        for (const group of history) {
          const batches = group.map((item) => toBatch(item.verdict, at(item.envelope), item.isReplay))
          const { forHandlers } = await recordGroup(store.db, batches, 0)
          const handed = forHandlers.map((event) => event.id)
          expect(new Set(handed).size).toBe(handed.length)
        }
        const attempts = history.flat()
        const eventIds = idsOf(attempts.filter(({ verdict }) => verdict === 'event').map((item) => at(item.envelope)))
        const otherIds = idsOf(attempts.map((item) => at(item.envelope))).filter((id) => !eventIds.includes(id))
        expect(await readIds(store, 'events', envelopes)).toEqual(eventIds)
        expect(await readIds(store, 'quarantine', envelopes)).toEqual(otherIds)
      }),
      { numRuns: 40 },
    )
  })

  it('gets one delivery row from an attempt that contains it twice', async () => {
    const [envelope] = makeEnvelopes()
    const record = { eventId: envelope.id, status: 'failing', note: 'busy' } as const
    const attempt = { handler: 'notify', startedAt: 0, finishedAt: 1, replayId: undefined }
    await recordDeliveries(store.db, { ...attempt, records: [record, { ...record, status: 'dead' }] })
    const rows = await store.db.selectFrom('deliveries').selectAll().where('event_id', '=', envelope.id).execute()
    expect(rows.map(({ status, attempts }) => ({ status, attempts }))).toEqual([{ status: 'dead', attempts: 1 }])
  })
})

let campaign = 0

function makeEnvelopes(): readonly [Envelope, Envelope, Envelope] {
  campaign += 1
  const envelope = createEnvelopes(Date.now() + campaign * 60_000)
  const make = (): Envelope => envelope({ type: 'campaign.updated', account: { id: campaign } })
  return [make(), make(), make()]
}

function toBatch(verdict: Verdict, envelope: Envelope, isReplay: boolean): RoutedBatch {
  const batch = { id: randomUUID(), isReplay, events: [], refused: [] }
  return verdict === 'event' ? { ...batch, events: [toRouted(envelope)] } : { ...batch, refused: [toRefused(envelope)] }
}

function toRefused({ id, owner, source, receivedAt, body }: Envelope): RefusedEnvelope {
  const fault = { issue: 'not storable', issues: [] }
  return { id, owner, source, receivedAt, ...fault, raw: Buffer.from(body), deliveryId: undefined }
}

function idsOf(envelopes: readonly Envelope[]): readonly string[] {
  return [...new Set(envelopes.map(({ id }) => id))].toSorted()
}

async function readIds(
  { db }: TestStore,
  table: 'events' | 'quarantine',
  envelopes: readonly Envelope[],
): Promise<readonly string[]> {
  const rows = await db.selectFrom(table).select('id').where('id', 'in', idsOf(envelopes)).orderBy('id').execute()
  return rows.map(({ id }) => id)
}
