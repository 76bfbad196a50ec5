import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEnvelopeFactory } from './create-envelope.ts'

const input = { source: 'mailivery', owner: 'acme', body: Buffer.from('{}'), deliveryId: undefined }

describe('createEnvelopeFactory', () => {
  it('creates ids that sort in the order of the calls, whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }), { minLength: 2 }),
        (clock) => {
          let tick = 0
          const { create } = createEnvelopeFactory(() => clock[tick++] ?? 0)
          const ids = clock.map(() => create(input).id)
          expect(ids.toSorted()).toEqual(ids)
          expect(new Set(ids).size).toBe(ids.length)
        },
      ),
    )
  })

  it('uses the time in the id as receivedAt', () => {
    const { id, receivedAt } = createEnvelopeFactory(() => 1_700_000_000_123).create(input)
    expect(receivedAt).toBe(1_700_000_000_123)
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(receivedAt)
  })

  it('begins in the millisecond after the latest id of an earlier run', () => {
    const factory = createEnvelopeFactory(() => 1_700_000_000_000)
    factory.startAfter(1_700_000_000_500)
    expect(factory.create(input).receivedAt).toBe(1_700_000_000_501)
    factory.startAfter(1_700_000_000_400)
    expect(factory.latest).toBe(1_700_000_000_501)
  })
})
