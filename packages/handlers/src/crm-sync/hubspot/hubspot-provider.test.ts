import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '@warmhook/config/secret'
import { startFakeHubspot, type FakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import type { ContactRecord, CrmProvider } from '../crm-provider.ts'
import { createHubspotProvider } from './hubspot-provider.ts'

const never = new AbortController().signal

function createProvider(crm: Pick<FakeHubspot, 'url'>, token = 'pat-secret'): CrmProvider {
  return createHubspotProvider({ baseUrl: crm.url, version: '2026-09', token: new Secret(token), now: Date.now })
}

function recordOf(number: number): ContactRecord {
  return {
    email: `m${number}@b.example`,
    warmupStatus: 'paused',
    pausedSince: 1_700_000_000_000,
    pauseReason: 'Smtp Connection Error',
    provider: null,
    tags: ['x', 'y'],
    campaignId: number,
    lastEventAt: 1_700_000_000_000,
    traceId: `trace-${number}`,
  }
}

const records = (count: number) => Array.from({ length: count }, (_, index) => recordOf(index + 1))

describe('createHubspotProvider', () => {
  it('sends at most 100 contacts a call', async () => {
    await using crm = await startFakeHubspot()
    const results = await createProvider(crm).upsertContacts(records(250), never)
    const sizes = crm.requests.map(({ body }) => (JSON.parse(body) as { inputs: unknown[] }).inputs.length)
    expect(sizes).toHaveLength(3)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100)
    expect(results.size).toBe(250)
    expect([...results.values()].every(({ status }) => status === 'written')).toBe(true)
  })

  it('stops halving when every contact is refused, and leaves the rest for another attempt', async () => {
    await using crm = await startFakeHubspot(() =>
      Response.json({ category: 'VALIDATION_ERROR', message: 'no such property' }, { status: 400 }),
    )
    const results = await createProvider(crm).upsertContacts(records(100), never)
    expect(crm.requests).toHaveLength(64)
    expect(new Set([...results.values()].map(({ status }) => status))).toEqual(new Set(['rejected', 'retry']))
    expect(results.size).toBe(100)
  })

  it.each([301, 404, 405, 415])('blames the connection and no contact for a %i', async (status) => {
    await using crm = await startFakeHubspot(() => new Response('<html>no</html>', { status }))
    const results = await createProvider(crm).upsertContacts(records(5), never)
    expect(crm.requests).toHaveLength(1)
    expect([...results.values()]).toEqual(
      Array.from({ length: 5 }, () => expect.objectContaining({ status: 'retry' }) as unknown),
    )
  })

  it.each([
    [
      'nulls',
      { errors: null, results: [{ id: '7', objectWriteTraceId: null, properties: { email: 'M1@b.example' } }] },
    ],
    ['no names at all', { results: [{ id: '7' }] }],
    ['another primary address', { results: [{ id: '7', properties: { email: 'primary@b.example' } }] }],
    ['a row that cannot be read beside', { results: [null, { id: 7, objectWriteTraceId: 'trace-1' }] }],
  ])('reads an answer with %s', async (_what, body) => {
    await using crm = await startFakeHubspot(() => Response.json(body))
    const results = await createProvider(crm).upsertContacts(records(1), never)
    expect(results.get('trace-1')).toMatchObject({ status: 'written' })
  })

  it('says nothing of contacts that an answer leaves out', async () => {
    await using crm = await startFakeHubspot(() => Response.json({ results: [{ id: '7' }] }))
    expect(await createProvider(crm).upsertContacts(records(2), never)).toEqual(new Map())
  })

  it('tries a contact again whose fault passes', async () => {
    await using crm = await startFakeHubspot(() =>
      Response.json(
        { errors: [{ category: 'RATE_LIMITS', message: 'slow', context: { objectWriteTraceId: ['trace-1'] } }] },
        { status: 207 },
      ),
    )
    const results = await createProvider(crm).upsertContacts(records(1), never)
    expect(results.get('trace-1')).toEqual({ status: 'retry', reason: 'HubSpot: RATE_LIMITS: slow' })
  })

  it('shows neither the token nor an address in a reason', async () => {
    await using crm = await startFakeHubspot(() =>
      Response.json({ message: `"M1@b.example" is invalid\n${'x'.repeat(9_000)}` }, { status: 400 }),
    )
    const [refused] = (await createProvider(crm).upsertContacts(records(1), never)).values()
    expect(refused).toMatchObject({
      reason: expect.stringMatching(/^HubSpot answered 400: "M…@b\.example" is invalid x{1,300}…$/),
    })
    const [unsendable] = (await createProvider(crm, 'pat-secret\nline 2').upsertContacts(records(1), never)).values()
    expect(unsendable).toEqual({ status: 'retry', reason: 'HubSpot did not answer: TypeError' })
  })

  it('gives up on an answer that is too long, and on a peer that is not there', async () => {
    await using crm = await startFakeHubspot(() => new Response('x'.repeat(5 * 1024 * 1024)))
    const [long] = (await createProvider(crm).upsertContacts(records(1), never)).values()
    expect(long).toEqual({ status: 'retry', reason: 'HubSpot did not answer: RangeError' })
    const [away] = (await createProvider({ url: 'http://127.0.0.1:1' }).upsertContacts(records(1), never)).values()
    expect(away).toMatchObject({ status: 'retry' })
  })

  it('stops when the attempt is cancelled', async () => {
    await using crm = await startFakeHubspot(() => new Promise(() => {}))
    const cancel = new AbortController()
    const pending = createProvider(crm).upsertContacts(records(1), cancel.signal)
    await expect.poll(() => crm.requests.length).toBe(1)
    cancel.abort()
    expect([...(await pending).values()]).toEqual([{ status: 'retry', reason: 'HubSpot did not answer: AbortError' }])
  })
})

// The vendor's contract is not ours to ship: it stands beside the repository where somebody put it.
const contract = join(import.meta.dirname, '../../../../../../shared/specs/hubspot-ballerina/contacts.openapi.json')
const isPresent = existsSync(contract)

describe(`HubSpot's published contract${isPresent ? '' : ` (skipped: no file ${contract})`}`, () => {
  it.skipIf(!isPresent)('accepts what is sent', async () => {
    const validate = createContractValidator(readFileSync(contract, 'utf8'))
    const good = { inputs: [{ id: 'a@b.example', properties: { a: '' } }] }
    const bad = [{}, { inputs: [{ id: 'a@b.example' }] }, { inputs: [{ ...good.inputs[0], properties: { a: null } }] }]
    expect([good, ...bad].map((body) => validate(body))).toEqual([true, false, false, false])
    await using crm = await startFakeHubspot()
    const cleared = { ...recordOf(2), pausedSince: null, pauseReason: null, tags: [] }
    await createProvider(crm).upsertContacts([recordOf(1), cleared], never)
    const [request] = crm.requests
    expect(validate(JSON.parse(request?.body ?? ''))).toBe(true)
    expect([request?.method, request?.path]).toEqual(['POST', '/crm/objects/2026-09/contacts/batch/upsert'])
  })
})

/** Of the file's own schema of an upsert's body, whose nodes carry `"example": null`, which no JSON schema has. */
function createContractValidator(text: string): (body: unknown) => boolean {
  const dropped = JSON.parse(text, (key, value: unknown) => (key === 'example' ? undefined : value)) as object
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema(dropped, 'contract')
  const validate = ajv.getSchema('contract#/components/schemas/BatchInputSimplePublicObjectBatchInputUpsert')
  if (validate === undefined) throw new Error('the contract has no schema of an upsert')
  return (body) => validate(body) === true
}
