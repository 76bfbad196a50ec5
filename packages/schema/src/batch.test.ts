import { describe, expect, it } from 'vitest'
import { describeBatch, describeReplay, envelopesInName } from './batch.ts'

describe('envelopesInName', () => {
  it('counts what describeBatch has put into the name', () => {
    for (const labels of [['a'], ['a', 'b', 'a'], Array.from({ length: 64 }, (_, index) => `x×${index % 3}`)])
      expect(envelopesInName(describeBatch(labels))).toBe(labels.length)
  })

  it('counts nothing of a replay: its envelopes were counted when they first came', () => {
    expect(envelopesInName(describeReplay(['a', 'b']))).toBe(0)
  })

  it('counts nothing of a name that is not ours', () => {
    expect(['', 'webhook', 'a × 3'].map(envelopesInName)).toEqual([0, 0, 0])
  })
})
