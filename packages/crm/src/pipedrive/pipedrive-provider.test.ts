import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { describeCrmProvider } from '../fixtures/describe-crm-provider.ts'
import { recordOf, recordsOf, testProperties } from '../fixtures/contact-records.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { pipedriveUnderTest, startContractPipedrive } from './fixtures/start-contract-pipedrive.ts'
import { pipedrive } from './pipedrive-provider.ts'

const signal = new AbortController().signal
const terms = { signal, isFirst: false, mode: 'upsert', archives: false } as const

describeCrmProvider(pipedriveUnderTest)

const problem = (error: string, more: object = {}) => ({ success: false, error, ...more })

const pathsOf = (requests: readonly { readonly method: string; readonly path: string }[]) =>
  requests.map(({ method, path }) => `${method} ${path.replace('/api/v2', '').split('?')[0]}`)

describe('pipedrive', () => {
  it('needs no search for a person whose id is known', async () => {
    await using crm = await startContractPipedrive()
    const id = crm.seed('m1@b.example', {})
    await openTestAccount(pipedrive, { baseUrl: crm.url }).upsertMany([{ ...recordOf(1), remoteId: id }], terms)
    expect(pathsOf(crm.requests).filter((each) => !each.includes('Fields'))).toEqual([`PATCH /persons/${id}`])
  })

  it('lists the fields once for many persons', async () => {
    await using crm = await startContractPipedrive()
    const account = openTestAccount(pipedrive, { baseUrl: crm.url })
    await account.upsertMany(recordsOf(10), terms)
    await account.upsertMany(recordsOf(10), terms)
    // Two pages.
    expect(pathsOf(crm.requests).filter((each) => each.includes('Fields'))).toHaveLength(2)
  })

  it('writes the oldest of several persons with one address', async () => {
    await using crm = await startContractPipedrive()
    const first = crm.seed('m1@b.example', {})
    crm.seed('m1@b.example', {})
    const results = await openTestAccount(pipedrive, { baseUrl: crm.url }).upsertMany([recordOf(1)], terms)
    expect([...results.values()]).toEqual([{ status: 'written', remoteId: first }])
  })

  it('does not write a person whose address only contains the one that was searched', async () => {
    await using crm = await startContractPipedrive()
    crm.seed('team1@b.example', {})
    await openTestAccount(pipedrive, { baseUrl: crm.url }).upsertMany(
      [{ ...recordOf(1), email: 'm1@b.example' }],
      terms,
    )
    expect(crm.count()).toBe(2)
    expect(crm.contact('team1@b.example')).toEqual({})
  })

  it('names a new person after the mailbox, or after its address', async () => {
    await using crm = await startContractPipedrive()
    const nameless = { ...recordOf(2), firstName: null }
    await openTestAccount(pipedrive, { baseUrl: crm.url }).upsertMany([recordOf(1), nameless], terms)
    const created = crm.requests.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as object)
    expect(created).toMatchObject([{ name: 'Emma' }, { name: 'm2@b.example' }])
  })

  it('sees fields that are created while it runs', async () => {
    await using crm = await startContractPipedrive({ hasProperties: false })
    const account = openTestAccount(pipedrive, { baseUrl: crm.url })
    const before = await account.upsertMany([recordOf(1)], terms)
    expect([...before.values()]).toMatchObject([{ status: 'hold' }])
    await openTestAccount(pipedrive, { baseUrl: crm.url }).createProperties(testProperties, signal)
    const after = await account.upsertMany([recordOf(1)], terms)
    expect([...after.values()]).toMatchObject([{ status: 'written' }])
  })

  it('cuts a text that its field is too short for', async () => {
    await using crm = await startContractPipedrive()
    const long = recordOf(1, { pauseReason: 'x'.repeat(900), status: 'paused' })
    const results = await openTestAccount(pipedrive, { baseUrl: crm.url }).upsertMany([long], terms)
    expect([...results.values()]).toMatchObject([{ status: 'written' }])
    expect(crm.contact('m1@b.example')).toMatchObject({ mailivery_pause_reason: 'x'.repeat(900) })
  })

  it.each([
    ['a firewall that was asked too often', 403, '<html>', {}, 'limited', 60_000],
    ['missing rights', 403, problem('Scope and URL mismatch'), {}, 'unauthorised', 60_000],
    ['a full plan', 403, problem('Limit', { code: 'feature_capping_customfields' }), {}, 'misconfigured', 60_000],
    ['an unpaid account', 402, problem('Payment required'), {}, 'unauthorised', 60_000],
    ['another address', 404, '<html>', {}, 'misconfigured', 60_000],
    ['a removed API version', 410, problem('Gone'), {}, 'misconfigured', 60_000],
    ['a redirect', 302, '', { location: '/' }, 'misconfigured', 60_000],
    ['a burst', 429, problem('over limit'), { 'x-ratelimit-reset': '1' }, 'limited', 1_000],
    ['a limit with a time', 429, problem('over limit'), { 'retry-after': '9' }, 'limited', 9_000],
    ['a used-up day', 429, problem('over limit'), { 'x-daily-requests-left': '0' }, 'limited', 3_600_000],
    ['somebody else', 200, '{"ok":true}', {}, 'misconfigured', 1_000],
  ] as const)('holds contacts after %s', async (_what, status, body, headers, cause, waitMs) => {
    await using peer = await startHttpPeer(
      () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }),
    )
    const results = await openTestAccount(pipedrive, { baseUrl: peer.url }).upsertMany([recordOf(1)], terms)
    expect([...results.values()]).toMatchObject([{ status: 'hold', refusal: { cause, waitMs } }])
  })

  it('rejects a person with the words of Pipedrive, without addresses', async () => {
    await using crm = await startContractPipedrive({
      intercept: ({ method }) =>
        method === 'POST'
          ? Response.json(problem('Email m1@b.example is not valid', { error_info: 'Check it' }), { status: 400 })
          : undefined,
    })
    const results = await openTestAccount(pipedrive, { baseUrl: crm.url }).upsertMany([recordOf(1)], terms)
    expect([...results.values()]).toEqual([
      { status: 'rejected', reason: 'Pipedrive answered 400: Email m…@b.example is not valid (Check it)' },
    ])
  })

  it('finds a field of another type', async () => {
    await using crm = await startContractPipedrive({ hasProperties: false })
    const account = openTestAccount(pipedrive, { baseUrl: crm.url })
    const [first] = testProperties
    if (first === undefined) throw new Error('the mapping has properties')
    await account.createProperties([{ ...first, type: 'number' }], signal)
    const plan = await account.planProperties([first], signal)
    expect(plan).toMatchObject({
      missing: [],
      conflicts: [{ name: first.name, problem: expect.stringContaining('double') }],
    })
  })
})
