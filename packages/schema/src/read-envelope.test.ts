import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBody, encodeBody, Envelope } from './envelope.ts'
import { WebhookType } from './mailbox-event.ts'
import { readEnvelope } from './read-envelope.ts'
import { samplePayloads } from './samples.ts'

const id = '019a1b2c-0000-7000-8000-000000000001'

function envelopeOf(body: string | Uint8Array): Envelope {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return { id, source: 'mailivery', owner: 'acme', receivedAt: 1_000, ...encodeBody(bytes) }
}

function read(payload: unknown) {
  return readEnvelope(envelopeOf(JSON.stringify(payload)))
}

// The reference's obfuscated address, including the no-break space.
const documentedEmail = '[email\u00a0protected]'
const account = { campaign_id: 7, email: 'a@b.example' }
const updated = '{"type":"campaign.updated","account":{"id":7,"first_name":"José"}}'

function bigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

describe('readEnvelope', () => {
  it('reads the five documented payloads with their quirks', () => {
    const events = Object.values(samplePayloads).map((body) => readEnvelope(envelopeOf(body)))
    expect(
      events.map((verdict) =>
        verdict.ok ? [verdict.event.type, verdict.event.campaignId, verdict.event.profile] : verdict,
      ),
    ).toEqual([
      [
        'campaign.pending',
        216,
        {
          email: documentedEmail,
          firstName: 'Suraj',
          lastName: 'Jadhav',
          provider: 'office',
          tags: ['worthcoding', '97694201'],
          meta: 'meta=4dd49f4f84e4d6945e3bc6d14812004e&tags=97694201,%20worthcoding',
        },
      ],
      [
        'campaign.created',
        203,
        {
          email: documentedEmail,
          firstName: 'Josh',
          lastName: 'Cohen',
          provider: 'gmail',
          tags: ['worthcoding', '97694201'],
        },
      ],
      ['campaign.updated', 198, { email: documentedEmail, firstName: 'Suraj', lastName: 'Jadhav', meta: '' }],
      ['campaign.deleted', 209, { email: documentedEmail, firstName: 'Josh', lastName: 'Cohen', provider: 'smtp' }],
      [
        'campaign.connection.problematic',
        218,
        {
          email: documentedEmail,
          firstName: 'Josh Cohen',
          lastName: 'Cohen',
          provider: 'smtp',
          tags: ['mailivery', 'worthcoding'],
        },
      ],
    ])
  })

  it("keeps a problem's reason verbatim", () => {
    const verdict = readEnvelope(envelopeOf(samplePayloads['campaign.connection.problematic']))
    expect(verdict.ok && verdict.event.reason).toBe('Smtp Connection Error')
  })

  it.each([
    ['digits in a string are a number', { type: 'campaign.updated', account: { campaign_id: '218' } }, 218],
    ['id replaces a missing campaign_id', { type: 'campaign.updated', account: { id: 5 } }, 5],
    ['campaign_id takes precedence over id', { type: 'campaign.updated', account: { id: 5, campaign_id: 6 } }, 6],
    ['unknown fields are ignored', { type: 'campaign.updated', account: { id: 5, color: 'red' }, extra: [1] }, 5],
  ])('%s', (_name, payload, campaignId) => {
    const verdict = read(payload)
    expect(verdict.ok && verdict.event.campaignId).toBe(campaignId)
  })

  it.each([
    ['not JSON', 'hello', 'not JSON'],
    ['truncated JSON', '{"type":', 'not JSON'],
    ['an array', '[1]', 'invalid: payload'],
    ['null', 'null', 'invalid: payload'],
    ['a number', '42', 'invalid: payload'],
    ['an unknown type', JSON.stringify({ type: 'campaign.exploded', account }), 'unhandled type: campaign.exploded'],
    ['no type', JSON.stringify({ account }), 'invalid: type'],
    ['no account', JSON.stringify({ type: 'campaign.updated' }), 'invalid: account'],
    [
      'no id',
      JSON.stringify({ type: 'campaign.updated', account: { email: 'a@b.example' } }),
      'invalid: account.campaign_id',
    ],
    [
      'an id that is not a number',
      JSON.stringify({ type: 'campaign.updated', account: { campaign_id: 'abc' } }),
      'invalid: account.campaign_id',
    ],
    [
      'a fraction for an id',
      JSON.stringify({ type: 'campaign.updated', account: { campaign_id: 1.5 } }),
      'invalid: account.campaign_id',
    ],
    ['Latin-1 bytes', Buffer.from('{"type":"caf\xe9"}', 'latin1'), 'not UTF-8'],
  ])('refuses %s and names the issue', (_name, body, issue) => {
    const verdict = readEnvelope(envelopeOf(body))
    expect(verdict.ok ? verdict : verdict.issue).toBe(issue)
    expect(verdict.ok || verdict.issues.length).toBeGreaterThan(0)
  })

  it.each([
    ['a byte order mark', Buffer.from(`\uFEFF${updated}`), []],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${updated}`, 'utf16le'), ['body: is not UTF-8, read as UTF-16']],
    ['UTF-16 with a mark, high byte first', bigEndian(`\uFEFF${updated}`), ['body: is not UTF-8, read as UTF-16']],
    ['UTF-16 without a mark', Buffer.from(updated, 'utf16le'), ['body: is not UTF-8, read as UTF-16']],
    ['UTF-16 without a mark, high byte first', bigEndian(updated), ['body: is not UTF-8, read as UTF-16']],
    ['Latin-1', Buffer.from(updated, 'latin1'), ['body: is not UTF-8, read as Windows-1252']],
  ])('reads %s, and keeps every byte', (_name, bytes, warnings) => {
    const envelope = envelopeOf(bytes)
    expect(readEnvelope(envelope)).toMatchObject({ ok: true, event: { profile: { firstName: 'José' } }, warnings })
    expect(decodeBody(envelope).equals(bytes)).toBe(true)
  })

  it('accepts fields that a newer ingress adds to an envelope', () => {
    const envelope = envelopeOf('{}')
    expect(Envelope.parse({ ...envelope, number: 5 })).toEqual(envelope)
  })

  it('produces text that a database can store, and leaves the raw body unchanged', () => {
    const body = JSON.stringify({
      type: 'campaign.updated',
      account: { ...account, first_name: 'a\0b', last_name: '\ud800' },
    })
    const envelope = envelopeOf(body)
    const verdict = readEnvelope(envelope)
    expect(verdict.ok && verdict.event.profile).toMatchObject({ firstName: 'a\uFFFDb', lastName: '\uFFFD' })
    expect(decodeBody(envelope).toString()).toBe(body)
  })

  it('gives equal content the same hash, regardless of key order and white space', () => {
    const one = readEnvelope(envelopeOf('{"type":"campaign.updated","account":{"id":5,"email":"x"}}'))
    const two = readEnvelope(envelopeOf('{ "account": {"email":"x", "id":5},\n "type":"campaign.updated" }'))
    expect(one.ok && two.ok && one.payloadHash).toBe(two.ok && two.payloadHash)
  })

  it('survives nesting deeper than the stack', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    const verdict = readEnvelope(envelopeOf(`{"type":"campaign.updated","account":{"id":5},"deep":${deep}}`))
    expect(verdict.ok).toBe(true)
  })

  it('never throws, and never changes a byte, whatever the body', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const envelope = envelopeOf(bytes)
          readEnvelope(envelope)
          expect(decodeBody(envelope).equals(bytes)).toBe(true)
        },
      ),
    )
  })
})

/** SHA-256 of each payload as Mailivery's reference prints it. */
const documented: Readonly<Record<WebhookType, string>> = {
  'campaign.pending': 'ae801c73169b7ea6227e49c9a3b1306b250ded617621ef521c64fe0dc3dbb889',
  'campaign.created': '859cf7f4673f099406a2168cdd99017edac670ae6c5e20f308a467a93a85dd1d',
  'campaign.updated': '3b36686b553b032fd3e6c09762224ba3b1118068b24de07ce17b59edaf1706ed',
  'campaign.deleted': 'f37705a8a8f58634e548fa2c72007f986a77aeb61daae81e609554a7e6557d8e',
  'campaign.connection.problematic': 'a18187a542c4bd9cd3780f519cb20c79c712626899b92605955b72c2321a32a5',
}

describe('samplePayloads', () => {
  it.each(WebhookType.options)('has the documented bytes of %s', (type) => {
    expect(hash('sha256', samplePayloads[type])).toBe(documented[type])
  })
})
