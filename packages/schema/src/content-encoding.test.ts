import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflateBody, readContentEncoding } from './content-encoding.ts'
import { encodeBody, type Envelope } from './envelope.ts'
import { isCompressed, readCompressedEnvelope } from './read-envelope.ts'
import { samplePayloads } from './samples.ts'

const limit = 262_144
const body = Buffer.from(samplePayloads['campaign.connection.problematic'])

function envelopeOf(bytes: Buffer, contentEncoding?: string): Envelope {
  const about = { id: '019a1b2c-0000-7000-8000-000000000001', source: 'mailivery', owner: 'acme', receivedAt: 1_000 }
  return { ...about, ...encodeBody(bytes), ...(contentEncoding === undefined ? {} : { contentEncoding }) }
}

async function read(bytes: Buffer, contentEncoding?: string) {
  const envelope = envelopeOf(bytes, contentEncoding)
  const verdict = await readCompressedEnvelope(envelope, limit)
  return verdict.ok ? { campaignId: verdict.event.campaignId, warnings: verdict.warnings } : verdict.issue
}

describe('readContentEncoding', () => {
  it.each([
    ['', undefined],
    [' ', undefined],
    ['identity', undefined],
    ['Identity', undefined],
    ['utf-8', undefined],
    ['UTF8, identity', undefined],
    ['GZIP', 'gzip'],
    ['deflate,gzip', 'deflate, gzip'],
    ['gzip, utf-8', 'gzip'],
    ['x-nobody', 'x-nobody'],
  ])('reads %j as %j', (header, expected) => {
    expect(readContentEncoding(header)).toBe(expected)
  })
})

describe('readCompressedEnvelope', () => {
  it.each([
    ['gzip', gzipSync(body)],
    ['x-gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['deflate', deflateRawSync(body)],
    ['br', brotliCompressSync(body)],
    ['zstd', zstdCompressSync(body)],
    ['deflate, gzip', gzipSync(deflateSync(body))],
    ['gzip', gzipSync(Buffer.from(`\uFEFF${body.toString()}`))],
  ])('reads a body in %s', async (coding, bytes) => {
    expect(isCompressed(envelopeOf(bytes, coding))).toBe(true)
    expect(await read(bytes, coding)).toEqual({ campaignId: 218, warnings: [] })
  })

  it.each([
    ['gzip', gzipSync(body)],
    ['zstd', zstdCompressSync(body)],
  ])('detects %s by its first bytes', async (coding, bytes) => {
    expect(isCompressed(envelopeOf(bytes))).toBe(true)
    const warnings = [`body: is ${coding} without a Content-Encoding, inflated`]
    expect(await read(bytes)).toEqual({ campaignId: 218, warnings })
  })

  it('does not mistake plain text for compressed', () => {
    expect(isCompressed(envelopeOf(body))).toBe(false)
    expect(isCompressed(envelopeOf(Buffer.from([0, 1, 2])))).toBe(false)
  })

  it.each(['gzip', 'deflate', 'br', 'zstd', 'x-nobody', 'gzip, gzip, gzip, gzip, gzip'])(
    'reads a plain body with Content-Encoding %s',
    async (coding) => {
      const warnings = ['body: is not compressed as Content-Encoding says, read as is']
      expect(await read(body, coding)).toEqual({ campaignId: 218, warnings })
    },
  )

  it.each([
    ['beyond the limit', 'gzip', gzipSync(Buffer.alloc(limit + 1)), 'inflates beyond MAX_BODY_BYTES'],
    ['far beyond the limit', 'br', brotliCompressSync(Buffer.alloc(50_000_000)), 'inflates beyond MAX_BODY_BYTES'],
    ['far beyond the limit', 'zstd', zstdCompressSync(Buffer.alloc(50_000_000)), 'inflates beyond MAX_BODY_BYTES'],
    ['far beyond the limit', 'deflate', deflateRawSync(Buffer.alloc(50_000_000)), 'inflates beyond MAX_BODY_BYTES'],
    ['truncated', 'gzip', gzipSync(body).subarray(0, -9), 'does not inflate'],
    ['broken', 'gzip', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), 'does not inflate'],
    ['in another coding', 'br', gzipSync(body), 'does not inflate'],
    ['in an unknown coding', 'x-nobody', Buffer.from([0, 1, 2]), 'unknown content coding'],
    ['in too many codings', 'gzip, gzip, gzip, gzip, gzip', gzipSync(body), 'too many content codings'],
    ['not JSON', 'gzip', gzipSync('hello'), 'not JSON'],
  ])('refuses a body that is %s (%s)', async (_name, coding, bytes, issue) => {
    expect(await read(bytes, coding)).toBe(issue)
  })

  it('inflates up to the limit, and not one byte more', async () => {
    expect(await inflateBody(gzipSync(Buffer.alloc(100)), 'gzip', 100)).toMatchObject({ ok: true })
    expect(await inflateBody(gzipSync(Buffer.alloc(101)), 'gzip', 100)).toMatchObject({ ok: false })
  })
})
