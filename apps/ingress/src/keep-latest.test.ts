import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEnvelopeFactory } from './create-envelope.ts'
import { keepLatest } from './keep-latest.ts'
import type { LatestMemory } from './remember-latest.ts'

const input = { source: 'mailivery', owner: 'acme', body: Buffer.from('{}'), deliveryId: undefined }
const start = Date.UTC(2026, 5, 1)
const dayMs = 86_400_000

interface TestMemory extends LatestMemory {
  value: number
  isReachable: boolean
}

function createMemory(value = 0): TestMemory {
  const memory: TestMemory = {
    value,
    isReachable: true,
    async recall() {
      if (!memory.isReachable) throw new Error('unreachable')
      return memory.value
    },
    async remember(latest) {
      if (!memory.isReachable) throw new Error('unreachable')
      memory.value = Math.max(memory.value, latest)
    },
    async forget() {
      memory.value = 0
    },
  }
  return memory
}

function startProcess(memories: readonly TestMemory[], now: () => number) {
  const envelopes = createEnvelopeFactory(now)
  const tooFar: number[] = []
  const onTooFarAhead = (remembered: number): void => void tooFar.push(remembered)
  return {
    envelopes,
    tooFar,
    keeper: keepLatest({ envelopes, memories, now, onTooFarAhead, onError: () => undefined }),
  }
}

describe('keepLatest', () => {
  it('keeps ids in arrival order across restarts and kills, if the clock changes by less than a week', async () => {
    const life = fc.record({
      clock: fc.integer({ min: start, max: start + 6 * dayMs }),
      envelopes: fc.integer({ min: 0, max: 4 }),
      unremembered: fc.integer({ min: 0, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 2, maxLength: 6 }), async (lives) => {
        const memory = createMemory()
        const ids: string[] = []
        for (const { clock, envelopes: count, unremembered } of lives) {
          let time = clock
          const { envelopes, keeper } = startProcess([memory], () => time)
          await keeper.recall()
          for (let n = 0; n < count; n += 1) {
            ids.push(envelopes.create(input).id)
            time += 200
          }
          await keeper.remember()
          if (count === 0) continue
          // Created just before a kill: the clock advanced, but nothing was stored.
          for (let n = 0; n < unremembered; n += 1) {
            ids.push(envelopes.create(input).id)
            time += 200
          }
        }
        expect(ids).toEqual(ids.toSorted())
      }),
    )
  })

  it('uses the latest stored time, and reads an unreachable memory later', async () => {
    const [low, high] = [createMemory(start + 1_000), createMemory(start + 5_000)]
    high.isReachable = false
    const { envelopes, keeper } = startProcess([low, high], () => start)
    await keeper.recall()
    const early = envelopes.create(input)
    high.isReachable = true
    await keeper.remember()
    const late = envelopes.create(input)
    expect([early.receivedAt > start + 1_000, late.receivedAt > start + 5_000]).toEqual([true, true])
    expect(high.value).toBeGreaterThan(start + 5_000)
  })

  it('rejects a time more than a week ahead, and discards it', async () => {
    const memory = createMemory(start + 365 * dayMs)
    const { envelopes, keeper, tooFar } = startProcess([memory], () => start)
    await keeper.recall()
    expect(envelopes.create(input).receivedAt).toBe(start)
    expect(tooFar).toEqual([start + 365 * dayMs])
    await keeper.remember()
    expect(memory.value).toBe(start)
  })

  it('accepts any stored time if the clock is not set yet', async () => {
    const { envelopes, keeper } = startProcess([createMemory(start)], () => 60_000)
    await keeper.recall()
    expect(envelopes.create(input).receivedAt).toBeGreaterThan(start)
  })
})
