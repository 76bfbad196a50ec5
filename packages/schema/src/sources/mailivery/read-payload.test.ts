import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { samplePayloads } from '../../samples.ts'
import { readPayload } from './read-payload.ts'

/** The content read from a payload, or the issue. */
function read(payload: unknown) {
  const verdict = readPayload(payload)
  return verdict.ok ? { ...verdict.content, warnings: verdict.warnings } : verdict.issue
}

const type = 'campaign.connection.problematic'
const account = { campaign_id: 7, email: 'a@b.example' }
const plain = { type, campaignId: 7, profile: { email: 'a@b.example' }, warnings: [] }

describe('readPayload', () => {
  it('has no warning for the documented payloads', () => {
    const verdicts = Object.values(samplePayloads).map((body) => readPayload(JSON.parse(body)))
    expect(verdicts.map((verdict) => verdict.ok && verdict.warnings)).toEqual([[], [], [], [], []])
  })

  it('reads a type within a hundred characters of white space, and nothing longer', () => {
    expect(read({ type: type.padEnd(100), account })).toMatchObject({ type })
    expect(read({ type: type.padEnd(101), account })).not.toMatchObject({ type })
  })

  it.each([
    ['a type and an id', { type, account: { id: 7 } }, {}],
    ['a comma-separated list of tags', { type, account: { id: 7, tags: 'a, b,' } }, { tags: ['a', 'b'] }],
    ["an object's tags", { type, account: { id: 7, tags: { 1: 'a', 2: 'b' } } }, { tags: ['a', 'b'] }],
    ['JSON in the text of tags', { type, account: { id: 7, tags: '["a","b"]' } }, { tags: ['a', 'b'] }],
    ['a number for tags', { type, account: { id: 7, tags: 5 } }, { tags: ['5'] }],
    ['numbers in tags', { type, account: { id: 7, tags: [5, 'b'] } }, { tags: ['5', 'b'] }],
    ['tags within tags', { type, account: { id: 7, tags: [['a'], [['b']]] } }, { tags: ['a', 'b'] }],
    [
      'tags with names',
      { type, account: { id: 7, tags: [{ id: 1, name: 'a' }, { label: 'b' }] } },
      { tags: ['a', 'b'] },
    ],
    ['no tags', { type, account: { id: 7, tags: [] } }, { tags: [] }],
    ['an empty text for tags', { type, account: { id: 7, tags: '' } }, {}],
    ['null in tags', { type, account: { id: 7, tags: [null] } }, {}],
    ['null among tags', { type, account: { id: 7, tags: [null, 'a', {}] } }, { tags: ['a'] }],
    ['true for tags', { type, account: { id: 7, tags: true } }, {}],
    ['an object for meta', { type, account: { id: 7, meta: { a: [1] } } }, { meta: '{"a":[1]}' }],
    ['an array for meta', { type, account: { id: 7, meta: [1, 'b'] } }, { meta: '[1,"b"]' }],
    ['a number for meta', { type, account: { id: 7, meta: 5 } }, { meta: '5' }],
    ['numbers for names', { type, account: { id: 7, first_name: 1, last_name: 2 } }, { firstName: '1', lastName: '2' }],
    ['objects for names', { type, account: { id: 7, first_name: { a: 1 }, last_name: ['x', 'y'] } }, {}],
    ['an array of one for a name', { type, account: { id: 7, first_name: ['A'] } }, { firstName: 'A' }],
    ['several addresses', { type, account: { id: 7, email: ['x', 'a@b.example'] } }, { email: 'a@b.example' }],
    ['an object for an address', { type, account: { id: 7, email: {} } }, {}],
    ['any action', { type, action: { a: [1] }, account: { id: 7 } }, {}],
    ['an unreadable last_name', { type, account: { id: 7, last_name: {}, lalst_name: 'B' } }, { lastName: 'B' }],
    [
      'camel case',
      { type, account: { campaignId: 7, firstName: 'A', providerType: 'x' } },
      { firstName: 'A', provider: 'x' },
    ],
    ['null beside a variant', { type, account: { campaign_id: null, campaignId: 7 } }, {}],
    ['fields next to the type', { type, campaign_id: 7, email: 'a@b.example' }, { email: 'a@b.example' }],
    ['an id next to the type', { type, id: 7, provider_type: 'smtp' }, { provider: 'smtp' }],
    ['a campaign_id next to the account', { type, campaign_id: 7, account: { first_name: 'A' } }, { firstName: 'A' }],
    ['an array of one', [{ type, account: { id: 7 } }], {}],
    ['an array of one account', { type, account: [{ id: 7 }] }, {}],
    ['an account in a text', { type, account: '{"id":7}' }, {}],
    ['a payload in a text', JSON.stringify({ type, account: { id: 7 } }), {}],
    ['an account that is its id', { type, account: '7' }, {}],
    ['data around all', { data: { type, account: { id: 7 } } }, {}],
    ['data around all within an event of a relay', { type: 'webhook', id: 99, data: { type, account: { id: 7 } } }, {}],
    ['data around the account', { type, id: 99, data: { account: { id: 7 } } }, {}],
    ['data for account', { type, id: 99, data: { campaign_id: 7 } }, {}],
  ])('reads %s', (_name, payload, profile) => {
    expect(read(payload)).toMatchObject({ type, campaignId: 7 })
    expect(read(payload)).toHaveProperty('profile', profile)
  })

  it.each<[unknown, number]>([
    [7, 7],
    [-0, 0],
    ['7', 7],
    [' 7 ', 7],
    ['7.0', 7],
    ['007', 7],
    [[7], 7],
    [9_007_199_254_740_991, 9_007_199_254_740_991],
  ])('reads %j as the id %j', (id, campaignId) => {
    expect(read({ type, account: { campaign_id: id } })).toMatchObject({ campaignId })
  })

  it.each([1.5, -1, 1e300, 9_007_199_254_740_992, '9007199254740993', '', ' ', 'abc', '1.5', '-1', '0x10', '1e3'])(
    'does not read %j as an id',
    (id) => {
      expect(read({ type, account: { campaign_id: id } })).toBe('invalid: account.campaign_id')
    },
  )

  it.each([true, {}, [], [7, 8]].map((id) => [id]))('does not read %j as an id', (id) => {
    expect(read({ type, account: { campaign_id: id } })).toBe('invalid: account.campaign_id')
  })

  it('reads id if campaign_id is not a number', () => {
    expect(read({ type, account: { campaign_id: 'none', id: 7 } })).toMatchObject({
      campaignId: 7,
      warnings: ['account.campaign_id: is not a whole number'],
    })
  })

  it('does not read an id next to an account as the mailbox id', () => {
    expect(read({ type, id: 99, account: { email: 'a@b.example' } })).toBe('invalid: account.campaign_id')
  })

  it.each(['CAMPAIGN.Connection.Problematic', ' campaign.connection.problematic\n', 'campaign_connection_problematic'])(
    'reads the type %j',
    (written) => {
      const warnings = ['type: read as campaign.connection.problematic']
      expect(read({ type: written, account })).toEqual({ ...plain, warnings })
    },
  )

  it('reads a known type under another name', () => {
    expect(read({ event: type, account })).toMatchObject({ type, campaignId: 7 })
    expect(read({ event_type: type, type: 'smtp', account })).toMatchObject({ type, campaignId: 7 })
  })

  it.each(['campaign.exploded', 'problematic', '', 'campaign'])('does not guess at the type %j', (unknown) => {
    expect(read({ type: unknown, account })).toBe(`unhandled type: ${unknown}`)
  })

  it('keeps five hundred tags, and warns if there are more', () => {
    const tags = (count: number) => Array.from({ length: count }, (_, index) => `tag ${index}`)
    const readTags = (count: number) => read({ type, account: { ...account, tags: tags(count) } })
    expect(readTags(500)).toMatchObject({ profile: { tags: tags(500) }, warnings: [] })
    expect(readTags(501)).toMatchObject({
      profile: { tags: tags(500) },
      warnings: ['account.tags: expected an array of text, ignored other items'],
    })
  })

  it.each([
    ['text', 'Smtp Error', 'Smtp Error', []],
    ['null', null, undefined, []],
    ['a number', 535, '535', ['reason: expected text, read as JSON text']],
    ['an object', { code: 535 }, '{"code":535}', ['reason: expected text, read as JSON text']],
    ['several texts', ['a', 'b'], 'a, b', ['reason: expected text, joined an array of text']],
    ['one text', ['a'], 'a', ['reason: expected a single value, read the only item of an array']],
    ['text and an object', ['a', { b: 1 }], '["a",{"b":1}]', ['reason: expected text, read as JSON text']],
    ['an array of objects', [{ a: 1 }], '[{"a":1}]', ['reason: expected text, read as JSON text']],
    ['an empty array', [], undefined, ['reason: has an unexpected shape, ignored']],
    ['a boolean', true, undefined, ['reason: has an unexpected shape, ignored']],
  ])('reads %s as a reason', (_name, reason, expected, warnings) => {
    expect(read({ type, reason, account })).toEqual({
      ...plain,
      ...(expected === undefined ? {} : { reason: expected }),
      warnings,
    })
  })

  it('limits the size of the content', () => {
    const long = 'x'.repeat(100_000)
    const verdict = readPayload({
      type,
      reason: long,
      account: { id: 7, first_name: long, email: long, meta: long, tags: Array.from({ length: 9_999 }, () => 'x') },
    })
    expect(verdict.ok && JSON.stringify(verdict.content).length).toBeLessThan(25_000)
    expect(verdict.ok && verdict.warnings).toEqual([
      'reason: cut to 8000 characters',
      'account.email: cut to 1000 characters',
      'account.first_name: cut to 1000 characters',
      'account.tags: expected an array of text, ignored other items',
      'account.meta: cut to 8000 characters',
    ])
  })

  it('reads an event with a type and an id whatever its other fields are, and quotes none of them in warnings', () => {
    const secret = 'somebody.private'
    const anything = fc.oneof(fc.jsonValue(), fc.constantFrom(secret, [secret], { [secret]: secret }, [[secret, null]]))
    const fields = ['first_name', 'last_name', 'lalst_name', 'email', 'provider_type', 'type', 'tags', 'meta']
    const accounts = fc.record(Object.fromEntries(fields.map((field) => [field, anything])), { requiredKeys: [] })
    fc.assert(
      fc.property(accounts, anything, anything, (others, action, reason) => {
        const verdict = readPayload({ type, action, reason, account: { ...others, campaign_id: 7 } })
        expect(verdict).toMatchObject({ ok: true, content: { type, campaignId: 7 } })
        expect(JSON.stringify(verdict.ok && verdict.warnings)).not.toContain(secret)
      }),
      { numRuns: 500 },
    )
  })

  it('returns a verdict for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        expect(typeof readPayload(payload).ok).toBe('boolean')
      }),
    )
  })
})
