import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inPackedOrder, packRefs, toEventRef, unpackRefs, type PackedRefs } from './event-ref.ts'

const ref = fc
  .record({
    id: fc.uuid({ version: 7 }),
    owner: fc.constantFrom('acme', 'globex', 'an owner: with spaces'),
    campaignId: fc.nat(Number.MAX_SAFE_INTEGER),
  })
  .map(toEventRef)

it('returns references unchanged, grouped by owner', () => {
  fc.assert(
    fc.property(fc.array(ref), (refs) => {
      expect(unpackRefs(packRefs(refs))).toEqual(inPackedOrder(refs))
    }),
  )
})

it('reads the time of arrival from the id', () => {
  const { receivedAt } = toEventRef({ id: '0199ac2e-5d00-7abc-8def-0123456789ab', owner: 'acme', campaignId: 1 })
  expect(receivedAt).toBe(0x0199ac2e5d00)
})

it.each(['', 'nothing', `${'x'.repeat(21)}:1`, `${'x'.repeat(22)}:`, `${'x'.repeat(22)}:1a`, `${'é'.repeat(22)}:1`])(
  'rejects %j as a reference',
  (text) => {
    expect(() => unpackRefs([['acme', text]])).toThrow(TypeError)
  },
)

it('quotes the beginning of an invalid reference', () => {
  const packed: PackedRefs[] = [['acme', `${'y'.repeat(40)}the rest`]]
  expect(() => unpackRefs(packed)).toThrow(`not an event reference: ${'y'.repeat(40)}`)
  expect(() => unpackRefs(packed)).not.toThrow('the rest')
})
