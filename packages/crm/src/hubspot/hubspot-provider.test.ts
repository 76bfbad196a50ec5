import { startFakeHubspot, type FakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { describe, expect, it } from 'vitest'
import type { ContactResult, CrmProvider } from '../crm-provider.ts'
import { recordsOf } from '../fixtures/contact-records.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { describeCrmProvider } from '../fixtures/describe-crm-provider.ts'
import { hubspotUnderTest } from './fixtures/start-contract-hubspot.ts'
import { hubspot } from './hubspot-provider.ts'

const terms = { signal: new AbortController().signal, isFirst: false, mode: 'upsert', archives: false } as const

function createProvider(crm: Pick<FakeHubspot, 'url'>, token = 'pat-secret'): CrmProvider {
  return openTestAccount(hubspot, { baseUrl: crm.url, token })
}

const records = recordsOf

const statusesOf = (results: ReadonlyMap<string, ContactResult>) => [
  ...new Set([...results.values()].map(({ status }) => status)),
]

/** The forms in which HubSpot reports that no contact can be written. */
const accountFaults = [
  { category: 'PROPERTY_DOESNT_EXIST', message: 'Property "x" does not exist' },
  { category: 'VALIDATION_ERROR', message: 'Property "mailivery_tags" does not exist' },
  {
    category: 'VALIDATION_ERROR',
    message:
      'Property values were not valid: [{"isValid":false,"message":"Property \\"x\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"x"}]',
  },
  { category: 'VALIDATION_ERROR', message: 'no', errors: [{ message: 'no', code: 'PROPERTY_DOESNT_EXIST' }] },
  { message: 'no', errors: [{ message: 'no', subCategory: 'crm.PropertyValidationError.PROPERTY_DOESNT_EXIST' }] },
  { message: 'no', errors: [{ message: 'x', context: { propertyName: ['PROPERTY_DOESNT_EXIST'] } }] },
  { category: 'MISSING_SCOPES', message: 'This app has not been granted all required scopes' },
  { category: 'INVALID_AUTHENTICATION', message: 'no' },
  { category: 'EXPIRED_AUTHENTICATION', message: 'no' },
  { category: 'VALIDATION_ERROR', message: 'no', errors: [{ code: 'READ_ONLY_VALUE', message: 'no' }] },
  { category: 'VALIDATION_ERROR', message: 'Unable to perform update/upsert by non-unique 0-1 property' },
  { category: 'VALIDATION_ERROR', message: 'This account has been deactivated' },
]

/** How many contacts each call carried. */
function sizesOf(requests: readonly { readonly body: string }[]): readonly number[] {
  return requests.map(({ body }) => (JSON.parse(body) as { inputs: unknown[] }).inputs.length)
}

describe('hubspot', () => {
  it('sends at most 100 contacts a call', async () => {
    await using crm = await startFakeHubspot()
    const results = await createProvider(crm).upsertMany(records(250), terms)
    const sizes = sizesOf(crm.requests)
    expect(sizes).toHaveLength(3)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100)
    expect(results.size).toBe(250)
    expect([...results.values()].every(({ status }) => status === 'written')).toBe(true)
  })

  it('leaves contacts to the next attempt when the calls are used up', async () => {
    await using crm = await startFakeHubspot((inputs, _request, write) =>
      inputs.some(({ id }) => Number(id.slice(1, id.indexOf('@'))) % 2 === 0)
        ? Response.json({ category: 'VALIDATION_ERROR', message: 'no such option' }, { status: 400 })
        : write(),
    )
    const results = await createProvider(crm).upsertMany(records(100), terms)
    expect(crm.requests).toHaveLength(64)
    const statuses = new Set([...results.values()].map(({ status }) => status))
    expect(statuses).toEqual(new Set(['written', 'rejected', 'hold']))
    expect(results.size).toBe(100)
  })

  it('blames the account, not the contacts, if many are rejected for the same reason and none is written', async () => {
    await using crm = await startFakeHubspot(([input]) =>
      Response.json({ category: 'VALIDATION_ERROR', message: `"${input?.id}" has no lifecycle` }, { status: 400 }),
    )
    const provider = createProvider(crm)
    const few = await provider.upsertMany(records(3), terms)
    expect([...few.values()]).toMatchObject([{ status: 'hold' }, { status: 'hold' }, { status: 'hold' }])
    const before = crm.requests.length
    expect(statusesOf(await provider.upsertMany(records(100), terms))).toEqual(['hold'])
    const sizes = sizesOf(crm.requests.slice(before))
    expect(sizes.filter((size) => size === 1)).toHaveLength(8)
    expect(sizes.length).toBeLessThan(30)
  })

  it('rejects all addresses that HubSpot reports as invalid, however many', async () => {
    await using crm = await startFakeHubspot(() =>
      Response.json({ category: 'VALIDATION_ERROR', errors: [{ code: 'INVALID_EMAIL' }] }, { status: 400 }),
    )
    expect(statusesOf(await createProvider(crm).upsertMany(records(10), terms))).toEqual(['rejected'])
  })

  it.each([400, 409, 413, 422, 423, 500])('finds the one contact of twelve that causes a %i', async (status) => {
    await using crm = await startFakeHubspot((inputs, _request, write) =>
      inputs.some(({ id }) => id === 'm7@b.example') ? Response.json({ message: 'no' }, { status }) : write(),
    )
    const results = await createProvider(crm).upsertMany(records(12), terms)
    const bad = [...results].filter(([, result]) => result.status !== 'written')
    expect(bad).toMatchObject([['trace-7', { status: status === 423 || status === 500 ? 'retry' : 'rejected' }]])
    expect(crm.requests.length).toBeLessThan(12)
    expect(crm.contacts.size).toBe(11)
  })

  it('finds two contacts in different halves that make HubSpot fail', async () => {
    await using crm = await startFakeHubspot((inputs, _request, write) =>
      inputs.some(({ id }) => id === 'm2@b.example' || id === 'm11@b.example')
        ? new Response('oops', { status: 500 })
        : write(),
    )
    const provider = createProvider(crm)
    const attempts = [await provider.upsertMany(records(12), terms), await provider.upsertMany(records(12), terms)]
    expect(crm.contacts.size).toBe(10)
    expect(attempts.map((results) => results.size)).toEqual([12, 12])
  })

  it('makes at most three calls for a batch while HubSpot is down', async () => {
    await using crm = await startFakeHubspot(() => new Response('oops', { status: 500 }))
    expect(statusesOf(await createProvider(crm).upsertMany(records(100), terms))).toEqual(['retry'])
    expect(crm.requests).toHaveLength(3)
  })

  it('writes a contact after a temporary conflict', async () => {
    let calls = 0
    await using crm = await startFakeHubspot((_inputs, _request, write) =>
      ++calls === 1 ? Response.json({ category: 'CONFLICT', message: 'exists' }, { status: 409 }) : write(),
    )
    expect(statusesOf(await createProvider(crm).upsertMany(records(1), terms))).toEqual(['written'])
  })

  it('rejects a contact with a persistent conflict, also one in a separate row, with HubSpot’s message', async () => {
    const conflict = { category: 'CONFLICT', message: 'Contact already exists. Existing ID: 512' }
    await using whole = await startFakeHubspot(() => Response.json(conflict, { status: 409 }))
    await using row = await startFakeHubspot(() =>
      Response.json({ errors: [{ ...conflict, context: { objectWriteTraceId: ['trace-1'] } }] }, { status: 207 }),
    )
    for (const crm of [whole, row]) {
      const [result] = (await createProvider(crm).upsertMany(records(1), terms)).values()
      expect(result).toMatchObject({ status: 'rejected', reason: expect.stringContaining('Existing ID: 512') })
      expect(crm.requests).toHaveLength(2)
    }
  })

  it.each([301, 402, 404, 405, 407, 410, 414, 415, 431])(
    'blames the account, not a contact, for a %i',
    async (status) => {
      await using crm = await startFakeHubspot(() => new Response('<html>no</html>', { status }))
      const results = await createProvider(crm).upsertMany(records(5), terms)
      expect(crm.requests).toHaveLength(1)
      expect([...results.values()]).toMatchObject(
        Array.from({ length: 5 }, () => ({
          status: 'hold',
          waitMs: 60_000,
          refusal: { cause: status === 402 ? 'unauthorised' : 'misconfigured' },
        })),
      )
    },
  )

  it.each(accountFaults)('blames the account, not a contact, for %j', async (body) => {
    await using crm = await startFakeHubspot(() => Response.json(body, { status: 400 }))
    expect(statusesOf(await createProvider(crm).upsertMany(records(5), terms))).toEqual(['hold'])
    expect(crm.requests).toHaveLength(1)
    await using rows = await startFakeHubspot((inputs) =>
      Response.json(
        {
          results: [],
          errors: inputs.map(({ objectWriteTraceId: id }) => ({ ...body, context: { objectWriteTraceId: [id] } })),
        },
        { status: 207 },
      ),
    )
    const alone = await createProvider(rows).upsertMany(records(1), terms)
    expect([...alone.values()]).toMatchObject([{ status: 'hold', refusal: { waitMs: 60_000 } }])
  })

  it('does not mistake the text of a contact for that of HubSpot', async () => {
    const spoof = { message: 'bad', errors: [{ code: 'INVALID_OPTION', context: { value: ['MISSING_SCOPES'] } }] }
    await using crm = await startFakeHubspot(() => Response.json(spoof, { status: 400 }))
    expect(statusesOf(await createProvider(crm).upsertMany(records(1), terms))).toEqual(['rejected'])
  })

  it.each([
    ['goes on after a row that says a scope is missing where others are written', 'MISSING_SCOPES', 2],
    ['sends nothing more after a row that says a limit is reached', 'RATE_LIMIT', 1],
  ])('%s', async (_words, category, requests) => {
    await using crm = await startFakeHubspot(([first, second, third], _request, write) => {
      if (second === undefined) return write()
      const errors = [
        { category: 'CONFLICT', context: { objectWriteTraceId: [second.objectWriteTraceId] } },
        { category, context: { objectWriteTraceId: [third?.objectWriteTraceId] } },
      ]
      const results = [{ id: first?.id, objectWriteTraceId: first?.objectWriteTraceId }]
      return Response.json({ results, errors }, { status: 207 })
    })
    const results = await createProvider(crm).upsertMany(records(3), terms)
    expect(results.get('trace-3')).toMatchObject({ status: 'hold' })
    expect(crm.requests).toHaveLength(requests)
  })

  it('holds one contact whose row says that a property is missing, and writes the others', async () => {
    await using crm = await startFakeHubspot((inputs, _request, write) => {
      const [bad, ...good] = inputs
      void write
      return Response.json(
        {
          results: good.map(({ objectWriteTraceId, id }) => ({ id, objectWriteTraceId })),
          errors: [{ category: 'PROPERTY_DOESNT_EXIST', context: { objectWriteTraceId: [bad?.objectWriteTraceId] } }],
        },
        { status: 207 },
      )
    })
    const results = await createProvider(crm).upsertMany(records(3), terms)
    expect([...results.values()]).toMatchObject([{ status: 'hold' }, { status: 'written' }, { status: 'written' }])
  })

  it('sends each contact separately if an error names none', async () => {
    await using crm = await startFakeHubspot((inputs, _request, write) =>
      inputs.some(({ id }) => id === 'm2@b.example')
        ? Response.json({ results: [], errors: [{ category: 'VALIDATION_ERROR', message: 'no' }] }, { status: 207 })
        : write(),
    )
    const results = await createProvider(crm).upsertMany(records(3), terms)
    expect([...results.values()]).toMatchObject([{ status: 'written' }, { status: 'rejected' }, { status: 'written' }])
  })

  it('makes one call to check whether an account still refuses', async () => {
    await using crm = await startFakeHubspot(() => Response.json({}, { status: 401 }))
    const results = await createProvider(crm).upsertMany(records(400), { ...terms, isFirst: true })
    expect(crm.requests).toHaveLength(1)
    expect(results.size).toBe(400)
    expect(statusesOf(results)).toEqual(['hold'])
  })

  it.each(['', '/', '//', '/proxy/', '/proxy'])('accepts a base URL that ends in %j', async (end) => {
    await using crm = await startFakeHubspot()
    await createProvider({ url: `${crm.url}${end}` }).upsertMany(records(1), terms)
    const prefix = end.includes('proxy') ? '/proxy' : ''
    expect(crm.requests[0]?.path).toBe(`${prefix}/crm/objects/2026-09/contacts/batch/upsert`)
  })

  it.each([
    ['a page', () => new Response('<html></html>')],
    ['nothing', () => new Response(null, { status: 204 })],
    ['another service', () => Response.json({ ok: true })],
  ])('blames the account for a success that is %s', async (_what, answer) => {
    await using crm = await startFakeHubspot(answer)
    const results = await createProvider(crm).upsertMany(records(2), terms)
    expect([...results.values()]).toMatchObject([{ status: 'hold', waitMs: 1_000 }, { status: 'hold' }])
  })

  it.each([
    [
      'nulls',
      { errors: null, results: [{ id: '7', objectWriteTraceId: null, properties: { email: 'M1@b.example' } }] },
    ],
    ['no identifiers', { results: [{ id: '7' }] }],
    ['another primary address', { results: [{ id: '7', properties: { email: 'primary@b.example' } }] }],
    ['an additional unreadable row', { results: [null, { id: 7, objectWriteTraceId: 'trace-1' }] }],
  ])('reads an answer with %s', async (_what, body) => {
    await using crm = await startFakeHubspot(() => Response.json(body))
    const results = await createProvider(crm).upsertMany(records(1), terms)
    expect(results.get('trace-1')).toMatchObject({ status: 'written' })
  })

  it('retries contacts that an answer leaves out', async () => {
    await using crm = await startFakeHubspot(() => Response.json({ results: [{ id: '7' }] }))
    expect(statusesOf(await createProvider(crm).upsertMany(records(2), terms))).toEqual(['retry'])
  })

  it.each([
    ['RATE_LIMITS', { status: 'hold', reason: 'HubSpot: RATE_LIMITS: slow', waitMs: 10_000 }],
    ['INTERNAL_ERROR', { status: 'retry', reason: 'HubSpot: INTERNAL_ERROR: slow' }],
    ['WHAT_NOBODY_KNOWS', { status: 'retry' }],
    ['VALIDATION_ERROR', { status: 'rejected' }],
  ])('reads a row of category %s', async (category, expected) => {
    await using crm = await startFakeHubspot(() =>
      Response.json(
        { errors: [{ category, message: 'slow', context: { objectWriteTraceId: ['trace-1'] } }] },
        { status: 207 },
      ),
    )
    const results = await createProvider(crm).upsertMany(records(1), terms)
    expect(results.get('trace-1')).toMatchObject(expected)
  })

  it('reveals neither the token nor an address in a reason', async () => {
    await using crm = await startFakeHubspot(() =>
      Response.json({ message: `"M1@b.example" is invalid\n${'x'.repeat(9_000)}` }, { status: 400 }),
    )
    const [refused] = (await createProvider(crm).upsertMany(records(1), terms)).values()
    expect(refused).toMatchObject({
      reason: expect.stringMatching(/^HubSpot answered 400: "M…@b\.example" is invalid x{1,300}…$/),
    })
    const [unsendable] = (await createProvider(crm, 'pat-secret\nline 2').upsertMany(records(1), terms)).values()
    expect(unsendable).toMatchObject({ status: 'hold', reason: expect.stringContaining('UND_ERR_INVALID_ARG') })
  })

  it('retries after an answer that is too long, and holds contacts if the peer is unreachable', async () => {
    await using crm = await startFakeHubspot(() => new Response('x'.repeat(5 * 1024 * 1024)))
    const [long] = (await createProvider(crm).upsertMany(records(1), terms)).values()
    expect(long).toEqual({ status: 'retry', reason: 'HubSpot did not answer: RangeError' })
    const [unreachable] = (await createProvider({ url: 'http://127.0.0.1:1' }).upsertMany(records(1), terms)).values()
    expect(unreachable).toMatchObject({ status: 'hold', refusal: { cause: 'down' } })
  })

  it('stops when the attempt is cancelled', async () => {
    await using crm = await startFakeHubspot(() => new Promise(() => {}))
    const cancel = new AbortController()
    const pending = createProvider(crm).upsertMany(records(1), { ...terms, signal: cancel.signal })
    await expect.poll(() => crm.requests.length).toBe(1)
    cancel.abort()
    expect([...(await pending).values()]).toEqual([{ status: 'retry', reason: 'HubSpot did not answer: AbortError' }])
  })
})

describeCrmProvider(hubspotUnderTest)
