import { describe, expect, it } from 'vitest'
import { EnvelopeBatch, JOB_LIMITS, jobBytes, describeBatch, describeReplay, envelopesInName } from './batch.ts'

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

describe('jobBytes', () => {
  it('adds up to less than 256 KiB for the largest job, frame included, whatever signs the bodies hold', () => {
    const body = 'é"\n'.repeat(500)
    const envelope = (index: number) => ({
      id: `0199ac2e-5d00-7abc-8def-${String(index).padStart(12, '0')}`,
      source: 'mailivery',
      owner: 'acme',
      receivedAt: 1,
      body,
      encoding: 'utf8' as const,
    })
    const envelopes = Array.from({ length: JOB_LIMITS.maxItems }, (_, index) => envelope(index))
    const json = JSON.stringify(EnvelopeBatch.parse({ envelopes }))
    const frame = Buffer.byteLength('{"envelopes":[]}')
    expect(Buffer.byteLength(json)).toBe(envelopes.reduce((sum, one) => sum + jobBytes(one), frame) - 1)
    expect(JOB_LIMITS.maxSize + 1_024).toBe(256 * 1_024)
    expect(EnvelopeBatch.safeParse({ envelopes: [] }).success).toBe(false)
  })
})
