import { describe, expect, it } from 'vitest'
import { recordsOf } from './fixtures/contact-records.ts'
import type { ContactResult } from './crm-provider.ts'
import { writeFullBatches } from './write-in-parts.ts'

const written: ContactResult = { status: 'written', remoteId: null }

async function write(count: number, waitMs: number) {
  const sizes: number[] = []
  const results = await writeFullBatches(recordsOf(count), 100, waitMs, (batches) => {
    sizes.push(...batches.map((batch) => batch.length))
    return Promise.resolve(new Map(batches.flat().map(({ traceId }) => [traceId, written])))
  })
  return { sizes, held: [...results.values()].filter(({ status }) => status === 'hold'), total: results.size }
}

describe('writeFullBatches', () => {
  it.each([
    ['fills batches, and writes the rest', 237, 0, [100, 100, 37], 0],
    ['holds the rest while the budget is scarce', 237, 5_000, [100, 100], 37],
    ['writes a few contacts even then, because nothing may follow', 37, 5_000, [37], 0],
    ['holds nothing of full batches', 200, 5_000, [100, 100], 0],
    ['writes nothing of nothing', 0, 5_000, [], 0],
  ])('%s', async (_what, count, waitMs, sizes, held) => {
    const result = await write(count, waitMs)
    expect(result).toMatchObject({ sizes, total: count })
    expect(result.held).toEqual(
      Array.from({ length: held }, () => ({ status: 'hold', reason: "waiting for the account's rate budget", waitMs })),
    )
  })
})
