import type { RecordedRequest } from '@warmhook/testing/start-http-peer'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Budget, CallCost } from '@warmhook/peer/budget/budget'
import type { ContactRecord, ContactResult, CrmProperty } from '../crm-provider.ts'
import { recordOf, recordsOf, testProperties } from '../fixtures/contact-records.ts'
import { describeCrmProvider, type FakeCrmOptions } from '../fixtures/describe-crm-provider.ts'
import { openTestAccount, unlimitedBudget, type TestAccount } from '../fixtures/open-test-account.ts'
import { pipedriveUnderTest, refuse, startContractPipedrive } from './fixtures/start-contract-pipedrive.ts'
import { pipedrive } from './pipedrive-provider.ts'

const signal = new AbortController().signal
const terms = { signal, isFirst: false, mode: 'upsert', archives: false } as const

async function open(options: FakeCrmOptions = {}, account: Partial<TestAccount> = {}) {
  const crm = await startContractPipedrive(options)
  onTestFinished(async () => {
    await crm[Symbol.asyncDispose]()
    expect(crm.violations).toEqual([])
  })
  return { crm, provider: openTestAccount(pipedrive, { baseUrl: crm.url, ...account }) }
}

const callOf = ({ method, path }: RecordedRequest) => `${method} ${path.replace(/^\/api\/v2/, '').replace(/\?.*/, '')}`
/** The calls without those that list the fields. */
const callsOf = ({ requests }: { readonly requests: readonly RecordedRequest[] }) =>
  requests.map(callOf).filter((call) => call !== 'GET /personFields')
const listsOf = ({ requests }: { readonly requests: readonly RecordedRequest[] }) =>
  requests.filter((request) => callOf(request) === 'GET /personFields' && !request.path.includes('cursor')).length

const only = (results: ReadonlyMap<string, ContactResult>) => [...results.values()][0]
const withId = (remoteId: string | null, number = 1): ContactRecord => ({ ...recordOf(number), remoteId })
const isWrite = ({ method }: RecordedRequest) => method === 'PATCH' || method === 'POST'

describe('pipedrive', () => {
  it('sends the token, and paths below the base URL', async () => {
    const { crm, provider } = await open({}, { token: 'secret' })
    await provider.upsertMany([recordOf(1)], terms)
    expect(callsOf(crm)).toEqual(['GET /persons/search', 'POST /persons'])
    for (const { headers, path } of crm.requests) {
      expect(headers['x-api-token']).toBe('secret')
      expect(path).toMatch(/^\/api\/v2\/person/)
    }
    const search = new URL(crm.requests.at(-2)?.path ?? '', crm.url).searchParams
    expect(Object.fromEntries(search)).toEqual({ term: 'm1@b.example', fields: 'email', exact_match: 'true' })
  })

  it('does not search for a person whose id is known', async () => {
    const { crm, provider } = await open()
    const id = crm.seed('m1@b.example', {})
    expect(only(await provider.upsertMany([withId(id)], terms))).toEqual({ status: 'written', remoteId: id })
    expect(callsOf(crm)).toEqual([`PATCH /persons/${id}`])
  })

  it('lists the fields once for all contacts', async () => {
    const { crm, provider } = await open()
    await provider.upsertMany(recordsOf(6), terms)
    await provider.upsertMany(recordsOf(6), terms)
    expect(listsOf(crm)).toBe(1)
    expect(crm.count()).toBe(6)
  })

  it('writes nothing but its own fields to a person that exists', async () => {
    const { crm, provider } = await open()
    crm.seed('m1@b.example', { job_title: 'theirs' })
    await provider.upsertMany([recordOf(1)], terms)
    expect(Object.keys(JSON.parse(crm.requests.at(-1)?.body ?? '') as object)).toEqual(['custom_fields'])
    expect(crm.contact('m1@b.example')).toMatchObject({ name: 'Theirs', job_title: 'theirs' })
  })

  it.each([
    ['Emma', 'Stone', 'Emma Stone'],
    [null, 'Stone', 'Stone'],
    ['Emma', null, 'Emma'],
    [null, ' ', 'm1@b.example'],
  ])('names a created person by %j and %j', async (firstName, lastName, name) => {
    const { crm, provider } = await open()
    await provider.upsertMany([{ ...recordOf(1), firstName, lastName }], terms)
    expect(crm.contact('m1@b.example')).toMatchObject({
      name,
      emails: [{ value: 'm1@b.example', primary: true, label: 'work' }],
    })
  })

  it('finds a person that was merged into another by its address', async () => {
    const { crm, provider } = await open()
    const id = crm.seed('m1@b.example', {})
    crm.removePerson(id)
    const other = crm.seed('M1@B.example', {})
    expect(only(await provider.upsertMany([withId(id)], terms))).toEqual({ status: 'written', remoteId: other })
    expect(callsOf(crm)).toEqual([`PATCH /persons/${id}`, 'GET /persons/search', `PATCH /persons/${other}`])
  })

  it.each([
    ['a deleted person', () => Response.json({ success: true, data: { id: 7, is_deleted: true } })],
    ['a 410', () => refuse(410, { error: 'gone' })],
    ['a 404 without JSON', () => new Response('no', { status: 404 })],
  ])('searches after %s', async (_what, answer) => {
    const { crm, provider } = await open({
      intercept: (request) => (callOf(request) === 'PATCH /persons/7' ? answer() : undefined),
    })
    expect(only(await provider.upsertMany([withId('7')], terms))).toMatchObject({ status: 'written' })
    expect(callsOf(crm)).toEqual(['PATCH /persons/7', 'GET /persons/search', 'POST /persons'])
  })

  it('searches at once if the known id can’t be one of Pipedrive', async () => {
    const { crm, provider } = await open()
    await provider.upsertMany([withId('rec_12-ab')], terms)
    expect(callsOf(crm)).toEqual(['GET /persons/search', 'POST /persons'])
  })

  it('creates a person if the search still shows the one that is gone', async () => {
    const items = [{ item: { id: 7, emails: ['m1@b.example'] } }]
    const { crm, provider } = await open({
      intercept: (request) =>
        callOf(request) === 'GET /persons/search' ? Response.json({ success: true, data: { items } }) : undefined,
    })
    expect(only(await provider.upsertMany([withId('7')], terms))).toMatchObject({ status: 'written' })
    expect(crm.count()).toBe(1)
    // Without the id, nothing shows that the search is wrong.
    expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({ status: 'retry' })
    expect(crm.count()).toBe(1)
  })

  it('writes to the oldest of several persons with an address', async () => {
    const { crm, provider } = await open()
    const oldest = crm.seed('m1@b.example', {})
    crm.seed('m1@b.example', {})
    crm.seed('m1@b.example', {})
    expect(only(await provider.upsertMany([recordOf(1)], terms))).toEqual({ status: 'written', remoteId: oldest })
    expect(crm.count()).toBe(3)
  })

  it('ignores persons whose address only resembles the one it looks for', async () => {
    const items = [
      { item: { id: 1, emails: ['m1@b.example.org'] } },
      { item: { id: 2, emails: ['xm1@b.example'] } },
      { item: { id: 3, emails: [] } },
      { item: { id: 4 } },
      { result_score: 1 },
      null,
    ]
    const { crm, provider } = await open({
      intercept: (request) =>
        callOf(request) === 'GET /persons/search'
          ? Response.json({ success: true, data: { items }, additional_data: { next_cursor: null } })
          : undefined,
    })
    expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({ status: 'written' })
    expect(callsOf(crm)).toEqual(['GET /persons/search', 'POST /persons'])
  })

  it('finds the person whose creation was not answered', async () => {
    let isLost = true
    const { crm, provider } = await open({
      afterwards: (request) => {
        if (isLost && callOf(request) === 'POST /persons') {
          isLost = false
          throw new Error('the connection is reset')
        }
      },
    })
    expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({ status: 'retry' })
    expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({ status: 'written' })
    expect(callsOf(crm)).toEqual(['GET /persons/search', 'POST /persons', 'GET /persons/search', 'PATCH /persons/501'])
    expect(crm.count()).toBe(1)
  })

  it('shortens texts to what the type of their field can hold', async () => {
    const { crm, provider } = await open({ hasProperties: false })
    for (const { label, name } of testProperties) crm.addField(label, name === 'mailivery_tags' ? 'text' : 'varchar')
    const long = 'x'.repeat(1_000)
    await provider.upsertMany([recordOf(1, { tags: long, pauseReason: long })], terms)
    expect(crm.contact('m1@b.example')).toMatchObject({ mailivery_tags: long, mailivery_pause_reason: 'x'.repeat(255) })
  })

  it('archives by the known id, and by the address if its person is gone', async () => {
    const { crm, provider } = await open()
    const known = crm.seed('m1@b.example', {})
    const other = crm.seed('m2@b.example', {})
    const removed = [withId(known), withId('99', 2), withId('98', 3)].map((each) => ({ ...each, isRemoved: true }))
    const results = await provider.upsertMany(removed, { ...terms, archives: true })
    expect([...results.values()]).toMatchObject([
      { status: 'written', remoteId: known },
      { status: 'written', remoteId: other },
      { status: 'skipped' },
    ])
    expect(crm.count()).toBe(0)
  })

  describe('custom fields', () => {
    const numeric: CrmProperty = { name: 'age', label: 'Mailbox age', description: '', type: 'number', options: [] }

    it('finds fields that `crm apply` creates without a restart', async () => {
      const { crm, provider } = await open({ hasProperties: false })
      expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({
        status: 'hold',
        reason: expect.stringContaining('"Warm-up status", "Warm-up paused since"') as unknown,
        refusal: { cause: 'misconfigured', reason: expect.stringContaining('warmhook crm apply') as unknown },
      })
      await openTestAccount(pipedrive, { baseUrl: crm.url }).createProperties(testProperties, signal)
      expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({ status: 'written' })
    })

    it('notices fields that were deleted or replaced since it listed them', async () => {
      let now = Date.now()
      const { crm, provider } = await open({}, { now: () => now })
      const id = crm.seed('m1@b.example', {})
      await provider.upsertMany([withId(id)], terms)
      now += 60_000
      crm.removeFields()
      expect(only(await provider.upsertMany([withId(id)], terms))).toMatchObject({
        refusal: { cause: 'misconfigured', reason: expect.stringContaining('warmhook crm apply') as unknown },
      })
      for (const { label } of testProperties) crm.addField(label, 'text')
      expect(only(await provider.upsertMany([withId(id)], terms))).toMatchObject({ status: 'written' })
      now += 60_000
      crm.removeFields()
      crm.addField('Another', 'text')
      for (const { label } of testProperties) crm.addField(label, 'text')
      expect(only(await provider.upsertMany([withId(id)], terms))).toMatchObject({ status: 'written' })
      expect(crm.contact('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'paused' })
    })

    it('lists the fields again after ten minutes', async () => {
      let now = Date.now()
      const { crm, provider } = await open({}, { now: () => now })
      for (const passedMs of [0, 599_000, 2_000]) {
        now += passedMs
        await provider.upsertMany([recordOf(1)], terms)
      }
      expect(listsOf(crm)).toBe(2)
    })

    it('reports fields of another type and labels that two properties share', async () => {
      const { crm, provider } = await open({ hasProperties: false })
      crm.addField('Warm-up status', 'enum')
      crm.addField('Mailbox age', 'date')
      crm.addField('Mailivery tags', 'date')
      crm.addField('Mailivery tags', 'text')
      const plan = await provider.planProperties([...testProperties, numeric, { ...numeric, name: 'age2' }], signal)
      expect(plan.missing.map(({ name }) => name)).not.toContain('mailivery_warmup_status')
      expect(plan.missing.map(({ name }) => name)).not.toContain('mailivery_tags')
      expect(plan.conflicts).toEqual([
        {
          name: 'mailivery_warmup_status',
          problem: expect.stringContaining('type enum instead of varchar') as unknown,
        },
        { name: 'age', problem: expect.stringContaining('type date instead of double') as unknown },
        { name: 'age2', problem: expect.stringContaining('same label as age') as unknown },
      ])
      await provider.createProperties(plan.missing, signal)
      // A value that does not fit the field would be rejected for every contact.
      expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({
        refusal: { cause: 'misconfigured', reason: expect.stringContaining('"Warm-up status"') as unknown },
      })
    })

    it('creates each field once', async () => {
      const { crm, provider } = await open({ hasProperties: false })
      for (let run = 0; run < 2; run += 1)
        await provider.createProperties([...testProperties, numeric, { ...numeric, name: 'age2' }], signal)
      expect(crm.fieldNames()).toEqual([...testProperties.map(({ label }) => label), 'Mailbox age'])
      const created = crm.requests.filter(isWrite).map(({ body }) => JSON.parse(body) as { field_type: string })
      expect(created.map(({ field_type: type }) => type)).toEqual([...testProperties.map(() => 'varchar'), 'double'])
    })

    it.each(['double', 'varchar'])('writes, clears and reads a number in a field of type %s', async (type) => {
      const { crm, provider } = await open()
      crm.addField('Mailbox age', type)
      for (const value of [12.5, 0, null]) {
        await provider.upsertMany([{ ...recordOf(1), values: [{ property: numeric, value }] }], terms)
        const read = await provider.readContacts(['m1@b.example'], [numeric], signal)
        expect(read.get('m1@b.example')?.values.get('age')).toBe(value)
      }
    })

    it('says what the plan allows no more', async () => {
      const { provider } = await open({
        hasProperties: false,
        intercept: ({ method }) =>
          method === 'POST'
            ? refuse(403, { error: 'Custom field limit reached.', code: 'feature_capping_custom_fields_limit' })
            : undefined,
      })
      await expect(provider.createProperties(testProperties, signal)).rejects.toMatchObject({
        name: 'CrmCallError',
        message: expect.stringContaining('upgrade the plan') as unknown,
        refusal: { cause: 'misconfigured' },
      })
    })

    it('does not blame a contact if the fields can’t be listed', async () => {
      const { provider } = await open({ intercept: () => refuse(400, { error: 'Bad request' }) })
      expect(only(await provider.upsertMany([recordOf(1)], terms))).toMatchObject({
        status: 'hold',
        refusal: { cause: 'misconfigured' },
      })
    })
  })

  describe('readContacts', () => {
    it('reads more fields than one call can name', async () => {
      const many = Array.from({ length: 16 }, (_, index): CrmProperty => {
        const label = `Field ${index}`
        return { name: `field_${index}`, label, description: '', type: 'text', options: [] }
      })
      const { provider } = await open()
      await provider.createProperties(many, signal)
      const values = many.map((property) => ({ property, value: property.label }))
      await provider.upsertMany([{ ...recordOf(1), values }], terms)
      const read = await provider.readContacts(['m1@b.example'], many, signal)
      expect([...(read.get('m1@b.example')?.values.values() ?? [])]).toEqual(many.map(({ label }) => label))
    })

    it('leaves out a person that is deleted after it was found', async () => {
      const { crm, provider } = await open({
        intercept: (request) => (/^GET \/persons\/\d/.test(callOf(request)) ? refuse(404, { error: 'x' }) : undefined),
      })
      crm.seed('m1@b.example', {})
      expect(await provider.readContacts(['m1@b.example'], testProperties, signal)).toEqual(new Map())
    })

    it('waits for the burst limit, but not for the day’s', async () => {
      const waits = [10, 20, 0, 60_000]
      const budget: Budget = {
        ...unlimitedBudget,
        take: ({ search = 0 }) => {
          const waitMs = search > 0 ? (waits.shift() ?? 0) : 0
          return Promise.resolve(waitMs > 0 ? { isGranted: false, waitMs } : { isGranted: true })
        },
      }
      const { crm, provider } = await open({}, { budget })
      crm.seed('m1@b.example', {})
      expect((await provider.readContacts(['m1@b.example'], testProperties, signal)).size).toBe(1)
      await expect(provider.readContacts(['m1@b.example'], testProperties, signal)).rejects.toThrow('try again in 60 s')
    })

    it.each([
      [() => refuse(401, { error: 'unauthorized access' }), 'PIPEDRIVE_API_TOKEN'],
      [() => new Response('<html>', { status: 404 }), 'PIPEDRIVE_BASE_URL'],
      [() => new Response('oops', { status: 500 }), 'Pipedrive answered 500: not JSON'],
    ])('says what is wrong (%#)', async (answer, message) => {
      const { provider } = await open({
        intercept: (request) => (callOf(request) === 'GET /persons/search' ? answer() : undefined),
      })
      await expect(provider.readContacts(['m1@b.example'], testProperties, signal)).rejects.toThrow(message)
    })
  })

  describe('limits', () => {
    it('charges each call what Pipedrive’s reference says', async () => {
      const costs: CallCost[] = []
      const budget: Budget = {
        ...unlimitedBudget,
        take: (cost) => {
          costs.push(cost)
          return Promise.resolve({ isGranted: true })
        },
      }
      const { provider } = await open({}, { budget })
      await provider.upsertMany([recordOf(1)], terms)
      const list = costs.filter(({ day }) => day === 10)
      expect(costs).toEqual([...list, { burst: 1, day: 20, search: 1 }, { burst: 1, day: 5 }])
      costs.length = 0
      await provider.upsertMany([{ ...withId('501'), isRemoved: true }], { ...terms, archives: true })
      expect(costs).toEqual([{ burst: 1, day: 3 }])
    })

    it('leaves contacts to later when the budget is used up', async () => {
      const budget: Budget = {
        ...unlimitedBudget,
        take: ({ search = 0 }) => Promise.resolve(search > 0 ? { isGranted: false, waitMs: 700 } : { isGranted: true }),
      }
      const { crm, provider } = await open({}, { budget })
      const results = await provider.upsertMany(recordsOf(9), terms)
      for (const result of results.values()) expect(result).toMatchObject({ status: 'hold', waitMs: 640 })
      expect(callsOf(crm)).toEqual([])
    })

    it('sends nothing more after Cloudflare’s page', async () => {
      const { crm, provider } = await open({
        intercept: (request) =>
          isWrite(request) ? new Response('<html>Cloudflare</html>', { status: 403 }) : undefined,
      })
      const results = await provider.upsertMany(recordsOf(40), terms)
      for (const result of results.values())
        expect(result).toMatchObject({ status: 'hold', waitMs: 60_000, refusal: { cause: 'limited' } })
      expect(crm.requests.filter(isWrite).length).toBeLessThanOrEqual(4)
    })
  })

  it('reveals neither the token nor an address in a reason', async () => {
    const { provider } = await open({
      intercept: (request) =>
        isWrite(request) ? refuse(400, { error: 'Validation failed: M1@b.example is invalid' }) : undefined,
    })
    expect(only(await provider.upsertMany([recordOf(1)], terms))).toEqual({
      status: 'rejected',
      reason: 'Pipedrive answered 400: Validation failed: M…@b.example is invalid',
    })
  })

  it('stops when the attempt is cancelled', async () => {
    const cancel = new AbortController()
    const { provider } = await open({
      intercept: (request) => {
        if (isWrite(request)) cancel.abort()
        return undefined
      },
    })
    const results = await provider.upsertMany([recordOf(1)], { ...terms, signal: cancel.signal })
    expect(only(results)).toEqual({ status: 'retry', reason: 'Pipedrive did not answer: AbortError' })
  })

  it.each([
    'id',
    'name',
    'emails',
    'owner_id',
    'label_ids',
    'marketing_status',
    'open_deals_count',
    'last_activity_id',
  ])('has the property %s itself', (name) => {
    expect(name).toMatch(pipedrive.ownProperties)
    for (const { name: ours } of testProperties) expect(ours).not.toMatch(pipedrive.ownProperties)
  })
})

describeCrmProvider(pipedriveUnderTest)
