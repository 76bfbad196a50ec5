import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { samplePayloads } from '@warmhook/schema/samples'
import { eventually } from '@warmhook/testing/eventually'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

interface EventDetail {
  readonly type: string
  readonly campaignId: number
  readonly warnings: readonly string[]
  readonly raw: string
  readonly encoding: string
  readonly contentEncoding: string | null
  readonly inflated: boolean
}

interface QuarantineItem extends Pick<EventDetail, 'raw' | 'encoding' | 'contentEncoding' | 'inflated'> {
  readonly id: string
}

const problem = samplePayloads['campaign.connection.problematic']

describe('an installation', { timeout: 60_000 }, () => {
  let site: Installation
  beforeAll(async () => {
    site = await startInstallation({ MAX_BODY_BYTES: '20000' })
  }, 60_000)
  afterAll(() => site[Symbol.asyncDispose]())

  /** Sends a body and returns its event once it is recorded. */
  async function eventOf(
    body: string | Uint8Array<ArrayBuffer>,
    headers?: Record<string, string>,
  ): Promise<EventDetail> {
    const response = await site.send(body, headers)
    expect(response.status).toBe(202)
    const { id } = (await response.json()) as { id: string }
    return eventually(() => site.api<EventDetail>(`/api/events/${id}`), { timeoutMs: 20_000 })
  }

  async function quarantined(issue: string): Promise<readonly QuarantineItem[]> {
    const page = await site.api<{ items: readonly QuarantineItem[] }>(
      `/api/quarantine?issue=${encodeURIComponent(issue)}`,
    )
    return page.items
  }

  it('opens a pause for a problem with unusual field types, and shows how it read them', async () => {
    const account = { id: '991', tags: 'a,b', meta: { x: 1 }, first_name: 5, email: 'odd@b.example' }
    const reason = { code: 535 }
    const body = JSON.stringify({ type: ' Campaign.Connection.Problematic', action: [1], reason, account })
    expect(await eventOf(body)).toMatchObject({
      campaignId: 991,
      warnings: [
        'type: read as campaign.connection.problematic',
        'reason: expected text, read as JSON text',
        'account.first_name: expected text, read a number as text',
        'account.tags: expected an array of text, read as a comma-separated list',
        'account.meta: expected text, read as JSON text',
      ],
      raw: body,
    })
    const { items } = await site.api<{ items: EventDetail[] }>('/api/events?campaignId=991')
    expect(items.map(({ warnings }) => warnings.length)).toEqual([5])
    const authorization = `Basic ${Buffer.from(`admin:${site.env['BOARD_PASSWORD']}`).toString('base64')}`
    const page = await (await fetch(site.boardUrl, { headers: { authorization } })).text()
    expect(page).toContain('account.tags: expected an array of text, read as a comma-separated list')
    const pauses = () => site.api<{ items: { campaignId: number; reason: string }[] }>('/api/pauses?state=open')
    await eventually(async () =>
      expect((await pauses()).items).toContainEqual(
        expect.objectContaining({ campaignId: 991, reason: '{"code":535}' }),
      ),
    )
  })

  it('has no warnings for a documented payload', async () => {
    expect(await eventOf(problem)).toMatchObject({ warnings: [], contentEncoding: null, inflated: false })
  })

  it.each([
    ['gzip', gzipSync],
    ['Deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate, gzip', (text: string) => gzipSync(deflateSync(text))],
  ])('stores a body in %s as received, and shows it inflated', async (coding, compress) => {
    const event = await eventOf(new Uint8Array(compress(`${problem} `)), { 'content-encoding': coding })
    expect(event).toMatchObject({
      campaignId: 218,
      warnings: [],
      raw: `${problem} `,
      encoding: 'utf8',
      contentEncoding: coding.toLowerCase(),
      inflated: true,
    })
  })

  it.each(['utf-8', 'Identity', ''])('treats Content-Encoding %j as no compression', async (coding) => {
    expect(await eventOf(problem, { 'content-encoding': coding })).toMatchObject({
      contentEncoding: null,
      warnings: [],
    })
  })

  it('reads a body with a byte order mark', async () => {
    expect(await eventOf(`\uFEFF${problem}`)).toMatchObject({ campaignId: 218, warnings: [] })
  })

  it('quarantines bodies that exceed the limit or do not inflate, and keeps their coding on replay', async () => {
    const bodies = {
      'inflates beyond MAX_BODY_BYTES': gzipSync('0'.repeat(20_001)),
      'does not inflate': gzipSync(problem).subarray(0, -9),
      'unknown content coding': Buffer.from([0, 1, 2]),
    }
    const codings = ['gzip', 'gzip', 'x-nobody']
    for (const [index, body] of Object.values(bodies).entries()) {
      const response = await site.send(new Uint8Array(body), { 'content-encoding': codings[index] ?? '' })
      expect(response.status).toBe(202)
    }
    const settled = async () => {
      for (const [index, issue] of Object.keys(bodies).entries())
        expect(await quarantined(issue)).toMatchObject([
          { contentEncoding: codings[index], encoding: expect.anything() },
        ])
    }
    await eventually(settled, { timeoutMs: 20_000 })
    expect(await quarantined('inflates beyond MAX_BODY_BYTES')).toMatchObject([
      { raw: '0'.repeat(20_001), inflated: true },
    ])
    await site.post('/api/quarantine/replay', { filter: { issue: 'does not inflate' } })
    await eventually(async () => {
      const { inFlight } = await site.api<{ inFlight: number }>('/api/ledger')
      expect(inFlight).toBe(0)
    })
    await settled()
  })
})
