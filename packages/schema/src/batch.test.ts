import { describe, expect, it } from 'vitest'
import { EnvelopeBatch, JOB_LIMITS, jobBytes, describeBatch, describeReplay, envelopesInName } from './batch.ts'

describe('envelopesInName', () => {
  it('counts the envelopes that describeBatch wrote into the name', () => {
    for (const labels of [['a'], ['a', 'b', 'a'], Array.from({ length: 64 }, (_, index) => `x×${index % 3}`)])
      expect(envelopesInName(describeBatch(labels))).toBe(labels.length)
  })

  it('counts no envelopes of a replay: they were counted when they first arrived', () => {
    expect(envelopesInName(describeReplay(['a', 'b']))).toBe(0)
  })

  it('counts no envelopes in an unknown name', () => {
    expect(['', 'webhook', 'a × 3'].map(envelopesInName)).toEqual([0, 0, 0])
  })
})

describe('jobBytes', () => {
  it('adds up to less than 256 KiB for the largest job, frame included, whatever characters the bodies contain', () => {
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
