import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { describeCrmProvider } from '../fixtures/describe-crm-provider.ts'
import { recordOf, testProperties } from '../fixtures/contact-records.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { attio } from './attio-provider.ts'
import { attioUnderTest, startContractAttio } from './fixtures/start-contract-attio.ts'

const signal = new AbortController().signal
const terms = { signal, isFirst: false, mode: 'upsert', archives: false } as const

describeCrmProvider(attioUnderTest)

const problem = (code: string, message: string) => ({ status_code: 400, type: 'invalid_request_error', code, message })

describe('attio', () => {
  it.each([
    [
      'an unknown attribute',
      400,
      problem('value_not_found', 'Cannot find attribute with slug/ID "mailivery_tags".'),
      {},
      'misconfigured',
    ],
    ['a missing scope', 403, problem('insufficient_scopes', 'Missing record_permission.'), {}, 'unauthorised'],
    ['a missing object', 404, problem('not_found', 'Object with slug/ID "people" not found.'), {}, 'misconfigured'],
    ['a firewall', 403, '<html>', {}, 'limited'],
    ['a redirect', 302, '', { location: '/' }, 'misconfigured'],
    ['a limit in seconds', 429, problem('rate_limit_exceeded', 'Slow down.'), { 'retry-after': '7' }, 'limited'],
  ] as const)('holds contacts after %s', async (_what, status, body, headers, cause) => {
    await using peer = await startHttpPeer(
      () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }),
    )
    const results = await openTestAccount(attio, { baseUrl: peer.url }).upsertMany([recordOf(1)], terms)
    expect([...results.values()]).toMatchObject([{ status: 'hold', refusal: { cause } }])
  })

  it.each([
    [400, problem('validation_type', 'An invalid value was passed to "email_addresses".'), 'rejected'],
    [400, problem('multiple_match_results', 'More than one record matches.'), 'rejected'],
    [422, problem('uniqueness_conflict', 'Another record has this email address.'), 'rejected'],
    [503, '', 'retry'],
  ] as const)('answers a %i for one contact with its own words', async (status, body, expected) => {
    await using peer = await startHttpPeer(
      () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }),
    )
    const results = await openTestAccount(attio, { baseUrl: peer.url }).upsertMany([recordOf(1)], terms)
    const message = typeof body === 'string' ? '503' : body.message
    expect([...results.values()]).toMatchObject([{ status: expected, reason: expect.stringContaining(message) }])
  })

  it('keeps the other addresses of a person, and finds the person by each of them', async () => {
    await using crm = await startContractAttio()
    const id = crm.seed('other@b.example', {})
    const account = openTestAccount(attio, { baseUrl: crm.url })
    await account.upsertMany([{ ...recordOf(1), email: 'other@b.example' }], terms)
    const read = await account.readContacts(['other@b.example'], testProperties, signal)
    expect(read.get('other@b.example')?.remoteId).toBe(id)
  })

  it('never sends a name, which would replace that of an existing person', async () => {
    await using crm = await startContractAttio()
    await openTestAccount(attio, { baseUrl: crm.url }).upsertMany([recordOf(1)], terms)
    const bodies = crm.requests.map(({ body }) => body)
    expect(bodies.join()).not.toContain('Emma')
  })
})
