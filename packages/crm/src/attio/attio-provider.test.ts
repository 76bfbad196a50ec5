import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContactRecord, ContactResult, CrmProvider, UpsertTerms } from '../crm-provider.ts'
import { recordOf, recordsOf, testProperties } from '../fixtures/contact-records.ts'
import { describeCrmProvider, type FakeCrmOptions } from '../fixtures/describe-crm-provider.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { attio } from './attio-provider.ts'
import { attributeOf, failure } from './fixtures/attio-shapes.ts'
import { attioUnderTest, startContractAttio, type FakeAttio } from './fixtures/start-contract-attio.ts'

const { signal } = new AbortController()
const terms: UpsertTerms = { signal, isFirst: false, mode: 'upsert', archives: false }
const updating: UpsertTerms = { ...terms, mode: 'update-only' }

describe('attio', () => {
  let crm: FakeAttio
  let intercept: FakeCrmOptions['intercept']
  beforeEach(async () => {
    intercept = undefined
    crm = await startContractAttio({ intercept: (request) => intercept?.(request) })
  })
  afterEach(async () => {
    await crm[Symbol.asyncDispose]()
    expect(crm.violations).toEqual([])
  })

  const open = (): CrmProvider => openTestAccount(attio, { baseUrl: crm.url, token: 'secret-of-attio' })
  const write = async (records: readonly ContactRecord[], how = terms) => [
    ...(await open().upsertMany(records, how)).values(),
  ]
  const statusesOf = (results: readonly ContactResult[]) => [...new Set(results.map(({ status }) => status))]
  const callsOf = (method: string) => crm.requests.filter((request) => request.method === method)
  const bodyOf = (method: string) => JSON.parse(callsOf(method)[0]?.body ?? '{}') as unknown

  it('asserts a person by e-mail, without a name', async () => {
    await write([recordOf(1, { pauseReason: null })])
    expect(crm.requests).toHaveLength(1)
    expect(crm.requests[0]).toMatchObject({
      method: 'PUT',
      path: '/v2/objects/people/records?matching_attribute=email_addresses',
      headers: { authorization: 'Bearer secret-of-attio' },
    })
    expect(bodyOf('PUT')).toEqual({
      data: {
        values: {
          email_addresses: ['m1@b.example'],
          mailivery_warmup_status: ['paused'],
          mailivery_paused_since: ['2023-11-14T22:13:20.000Z'],
          mailivery_pause_reason: [],
          mailivery_provider: ['smtp'],
          mailivery_tags: ['x;y'],
          mailivery_campaign_id: ['1'],
          mailivery_last_event_at: ['2023-11-14T22:13:20.000Z'],
        },
      },
    })
  })

  it('keeps the other addresses of a person', async () => {
    const id = crm.seed('primary@b.example', {})
    Object.assign(crm.people.get(id)?.values ?? {}, { email_addresses: ['primary@b.example', 'm1@b.example'] })
    for (const how of [terms, updating])
      expect(await write([recordOf(1)], how)).toEqual([{ status: 'written', remoteId: id }])
    expect(crm.contact('m1@b.example')).toMatchObject({ email_addresses: ['primary@b.example', 'm1@b.example'] })
  })

  it('never deletes the person of a removed mailbox, even if it is told to archive', async () => {
    await write([recordOf(1)])
    expect(statusesOf(await write([recordOf(1, { status: 'removed' })], { ...terms, archives: true }))).toEqual([
      'written',
    ])
    expect(callsOf('DELETE')).toEqual([])
    expect(attio.canArchive).toBe(false)
    expect(crm.contact('m1@b.example')).toMatchObject({ mailivery_warmup_status: ['removed'] })
  })

  it('updates by id in update-only mode, with its own attributes alone, and finds a merged person anew', async () => {
    const id = crm.seed('m1@b.example', {})
    const merged = { ...recordOf(1), remoteId: '891dcbfc-9141-415d-9b2a-2238a6cc012d' }
    expect(await write([merged], updating)).toEqual([{ status: 'written', remoteId: id }])
    expect(callsOf('PATCH')).toMatchObject([{ path: `/v2/objects/people/records/${id}` }])
    expect(bodyOf('PATCH')).toEqual({
      data: { values: expect.not.objectContaining({ email_addresses: expect.anything() }) as unknown },
    })
  })

  it('looks a person up again if it is gone when it is written', async () => {
    const old = crm.seed('m1@b.example', {})
    intercept = ({ method }) => {
      if (method !== 'PATCH' || !crm.people.delete(old)) return undefined
      crm.seed('m1@b.example', {})
      return failure(404, 'not_found', `Record with ID "${old}" not found.`)
    }
    expect(statusesOf(await write([recordOf(1)], updating))).toEqual(['written'])
    expect(callsOf('POST')).toHaveLength(2)
  })

  it('retries later if a person stays gone', async () => {
    crm.seed('m1@b.example', {})
    intercept = ({ method }) =>
      method === 'PATCH' ? failure(404, 'not_found', 'Record with ID "x" not found.') : undefined
    expect(await write([recordOf(1)], updating)).toMatchObject([{ status: 'retry' }])
    expect(callsOf('PATCH')).toHaveLength(2)
  })

  it('does not update a person without the address, whatever a query answers', async () => {
    const id = crm.seed('m2@b.example', {})
    intercept = ({ method }) => {
      if (method !== 'POST') return undefined
      const data = [{ id: { record_id: id }, values: { email_addresses: [{ email_address: 'm2@b.example' }] } }]
      return Response.json({ data })
    }
    expect(await write([recordOf(1)], updating)).toMatchObject([{ status: 'skipped' }])
    expect(callsOf('PATCH')).toEqual([])
  })

  it.each([
    ['upsert', 'a page', () => new Response('<html></html>')],
    ['upsert', 'nothing', () => new Response(null, { status: 204 })],
    ['upsert', 'a record without an id', () => Response.json({ data: { values: {} } })],
    ['update-only', 'another service', () => Response.json({ ok: true })],
    ['update-only', 'a record without an id', () => Response.json({ data: [{ values: {} }] })],
  ] as const)('blames the account if the answer to %s is %s', async (mode, _what, answer) => {
    intercept = answer
    expect(await write(recordsOf(2), { ...terms, mode })).toMatchObject([
      { status: 'hold', waitMs: 1_000, refusal: { cause: 'misconfigured' } },
      { status: 'hold' },
    ])
  })

  it('rejects a contact that matches several people, with Attio’s message', async () => {
    intercept = ({ body }) =>
      body.includes('m1@') ? failure(400, 'multiple_match_results', 'Several records match "M1@b.example".') : undefined
    const [first, second] = await write(recordsOf(2))
    expect(first).toMatchObject({
      status: 'rejected',
      reason: 'Attio answered 400: multiple_match_results: Several records match "M…@b.example".',
    })
    expect(second).toMatchObject({ status: 'written' })
  })

  it('writes a contact again that another program created at the same time', async () => {
    let calls = 0
    intercept = () => (++calls === 1 ? failure(400, 'uniqueness_conflict', 'The value conflicts') : undefined)
    expect(statusesOf(await write([recordOf(1)]))).toEqual(['written'])
  })

  it('blames the account if all contacts are rejected for the same reason', async () => {
    intercept = () => failure(400, 'missing_value', 'Required value for attribute with ID "x" was not provided.')
    expect(statusesOf(await write(recordsOf(50)))).toEqual(['hold'])
    expect(crm.requests.length).toBeLessThan(20)
  })

  it('suspends its calls while Attio keeps failing', async () => {
    intercept = () => new Response('oops', { status: 500 })
    expect(statusesOf(await write(recordsOf(50)))).toEqual(['retry', 'hold'])
    expect(crm.requests.length).toBeLessThan(10)
  })

  it('charges queries as reads and everything else as writes', async () => {
    crm.seed('m1@b.example', {})
    const costs: object[] = []
    const take = (cost: object) => {
      costs.push(cost)
      return Promise.resolve({ isGranted: true } as const)
    }
    const budget = { take, learn: () => Promise.resolve(), read: () => Promise.resolve([]) }
    await openTestAccount(attio, { baseUrl: crm.url, budget }).upsertMany([recordOf(1)], updating)
    expect(costs).toEqual([{ reads: 1 }, { writes: 1 }])
  })

  it('reads many contacts with one query, also by other addresses and in another case', async () => {
    const id = crm.seed('m1@b.example', {})
    Object.assign(crm.people.get(id)?.values ?? {}, { email_addresses: ['primary@b.example', 'm1@b.example'] })
    crm.seed('m2@b.example', {})
    const emails = recordsOf(20).map(({ email }) => email)
    const read = await open().readContacts(emails, testProperties, signal)
    expect([...read].map(([email, { remoteId }]) => [email, remoteId === id])).toEqual([
      ['m1@b.example', true],
      ['m2@b.example', false],
    ])
    expect(crm.requests).toHaveLength(1)
    expect(await open().readContacts([], testProperties, signal)).toEqual(new Map())
  })

  it('finds no attribute missing that comes on a later page', async () => {
    for (let index = 0; index < 12; index += 1) crm.attributes.set(`a${index}`, attributeOf(`a${index}`, 'text'))
    const last = { name: 'a11', label: '', description: '', type: 'text', options: [] } as const
    expect(await open().planProperties([...testProperties, last], signal)).toEqual({ missing: [], conflicts: [] })
  })

  it.each([
    ['is archived', { is_archived: true }],
    ['has the type select instead of text', { type: 'select' }],
    ['allows several values', { is_multiselect: true }],
    ['must be unique', { is_unique: true }],
    ['is required', { is_required: true }],
    ['is read-only', { is_writable: false }],
  ])('reports an attribute that %s', async (problem, more) => {
    crm.attributes.set('mailivery_tags', attributeOf('mailivery_tags', 'text', more))
    expect(await open().planProperties(testProperties, signal)).toEqual({
      missing: [],
      conflicts: [{ name: 'mailivery_tags', problem: expect.stringContaining(problem) as unknown }],
    })
  })

  it('takes an attribute that someone else has created for done', async () => {
    intercept = () => failure(409, 'slug_conflict', 'An attribute with the same API slug already exists.')
    await open().createProperties(testProperties, signal)
    expect(crm.requests).toHaveLength(testProperties.length)
  })

  it.each([
    [409, 'another_conflict', 'Attio answered 409'],
    [403, 'missing_scope', 'object_configuration:read-write'],
    [200, 'nothing', 'ATTIO_BASE_URL'],
  ])('creates nothing more after a %i %s', async (status, code, problem) => {
    intercept = () => failure(status, code, 'no')
    await expect(open().createProperties(testProperties, signal)).rejects.toThrow(problem)
    expect(crm.requests).toHaveLength(1)
  })

  it('says what to do if Attio can’t be asked', async () => {
    intercept = () => failure(401, 'unauthorized', 'no', 'auth_error')
    await expect(open().planProperties(testProperties, signal)).rejects.toThrow('ATTIO_API_KEY')
    await expect(open().readContacts(['m1@b.example'], [], signal)).rejects.toThrow('ATTIO_API_KEY')
  })

  it('stops when the attempt is cancelled', async () => {
    const cancel = new AbortController()
    intercept = () => {
      cancel.abort()
      return undefined
    }
    const results = await write(recordsOf(9), { ...terms, signal: cancel.signal })
    expect(results).toHaveLength(9)
    expect(crm.requests.length).toBeLessThanOrEqual(4)
  })

  it.each([
    'name',
    'email_addresses',
    'last_interaction',
    'first_email_interaction',
    'next_calendar_interaction',
    'created_at',
  ])('does not let %s be mapped', (name) => expect(attio.ownProperties.test(name)).toBe(true))

  it.each(['mailivery_tags', 'name_of_mailbox', 'first_contact'])('lets %s be mapped', (name) =>
    expect(attio.ownProperties.test(name)).toBe(false),
  )
})

describeCrmProvider(attioUnderTest)
