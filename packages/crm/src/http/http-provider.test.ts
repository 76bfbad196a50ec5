import { startHttpPeer, type HttpPeer, type PeerHandler } from '@warmhook/testing/start-http-peer'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import type { ContactRecord, ContactResult, UpsertTerms } from '../crm-provider.ts'
import { recordOf, recordsOf, testProperties } from '../fixtures/contact-records.ts'
import { describeCrmProvider } from '../fixtures/describe-crm-provider.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { httpUnderTest, Message, startSignedReceiver } from './fixtures/start-signed-receiver.ts'
import { http } from './http-provider.ts'

const { signal } = new AbortController()
const terms: UpsertTerms = { signal, isFirst: false, mode: 'upsert', archives: false }

async function writeTo(handler: PeerHandler, records: readonly ContactRecord[], given: Partial<UpsertTerms> = {}) {
  await using peer = await startHttpPeer(handler)
  const results = await openTestAccount(http, { baseUrl: peer.url }).upsertMany(records, { ...terms, ...given })
  return { results, statuses: statusesOf(results), requests: peer.requests }
}

const statusesOf = (results: ReadonlyMap<string, ContactResult>) => [...results.values()].map(({ status }) => status)
const messagesOf = ({ requests }: Pick<HttpPeer, 'requests'>) =>
  requests.map(({ body }) => Message.parse(JSON.parse(body) as unknown))
const idsOf = ({ requests }: Pick<HttpPeer, 'requests'>) => requests.map(({ headers }) => headers['webhook-id'])
const emails = (peer: Pick<HttpPeer, 'requests'>) =>
  messagesOf(peer).map(({ data }) => data.contacts.map(({ email }) => email))

describe('http', () => {
  it('sends one signed message to the address as it is configured', async () => {
    await using peer = await startHttpPeer()
    await openTestAccount(http, { baseUrl: `${peer.url}/hooks/1/?key=a%2Fb`, token: 'whsec_c2VjcmV0' }).upsertMany(
      [{ ...recordOf(1, { status: 'removed', pauseReason: null }), remoteId: '7' }],
      { ...terms, archives: true, mode: 'update-only' },
    )
    const [request] = peer.requests
    expect(request).toMatchObject({ method: 'POST', path: '/hooks/1/?key=a%2Fb' })
    expect(
      new Webhook('whsec_c2VjcmV0').verify(request?.body ?? '', { ...request?.headers } as Record<string, string>),
    ).toEqual({
      type: 'contacts.upsert',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
      data: {
        mode: 'update-only',
        contacts: [
          {
            id: 'trace-1',
            email: 'm1@b.example',
            remoteId: '7',
            firstName: 'Emma',
            lastName: null,
            campaignId: 1,
            isRemoved: true,
            archive: true,
            properties: {
              mailivery_warmup_status: 'removed',
              mailivery_paused_since: '2023-11-14T22:13:20.000Z',
              mailivery_pause_reason: null,
              mailivery_provider: 'smtp',
              mailivery_tags: 'x;y',
              mailivery_campaign_id: '1',
              mailivery_last_event_at: '2023-11-14T22:13:20.000Z',
            },
          },
        ],
      },
    })
  })

  it('sends at most 100 contacts, and at most 100 kB, per message', async () => {
    const many = await writeTo(() => new Response(), recordsOf(250))
    expect(messagesOf(many).map(({ data }) => data.contacts.length)).toEqual([84, 84, 82])
    const large = Array.from({ length: 100 }, (_, index) => recordOf(index, { pauseReason: 'é'.repeat(1_000) }))
    const { requests, statuses } = await writeTo(() => new Response(), large)
    expect(requests.every(({ body }) => Buffer.byteLength(body) < 100_000)).toBe(true)
    expect(new Set(statuses)).toEqual(new Set(['written']))
  })

  it('creates the same webhook-id for every attempt with the same content, and another for other content', async () => {
    const records = recordsOf(2)
    const all = [
      await writeTo(() => new Response(null, { status: 502 }), records),
      await writeTo(() => new Response(), records.toReversed()),
    ]
    expect(new Set(all.flatMap(idsOf)).size).toBe(1)
    const others = [
      await writeTo(() => new Response(), [recordOf(1), recordOf(2, { status: 'active' })]),
      await writeTo(() => new Response(), [recordOf(1), { ...recordOf(2), traceId: 'other' }]),
      await writeTo(() => new Response(), [recordOf(1)]),
      await writeTo(() => new Response(), records, { mode: 'update-only' }),
    ]
    expect(new Set([...all, ...others].flatMap(idsOf)).size).toBe(5)
  })

  it.each([
    ['nothing', () => new Response(null, { status: 204 })],
    ['an empty text', () => new Response('', { status: 202 })],
    ['a word', () => new Response('Accepted')],
    ['a page', () => new Response('<html>ok</html>', { headers: { 'content-type': 'text/html' } })],
    ['JSON of its own', () => Response.json({ status: 'success' })],
    ['results that are no list', () => Response.json({ results: 2 })],
    ['JSON null', () => new Response('null')],
  ])('takes a success with %s for a write of all contacts', async (_what, answer) => {
    const { results } = await writeTo(answer, [recordOf(1), { ...recordOf(2), remoteId: '7' }])
    expect([...results.values()]).toEqual([
      { status: 'written', remoteId: null },
      { status: 'written', remoteId: '7' },
    ])
  })

  it('follows the results of each contact', async () => {
    const answer = [
      { id: 'trace-6', status: 'done' },
      { id: 'trace-5', status: 'error' },
      { id: 'trace-4', status: 'error', message: 'm4@b.example has\nno owner' },
      { id: 'trace-3', status: 'skipped' },
      { id: 'trace-2', status: 'skipped', message: 'unknown contact', more: true },
      { id: 'trace-1', status: 'ok', remoteId: 17, message: null },
      { id: 'trace-99', status: 'ok' },
    ]
    const { results } = await writeTo(() => Response.json({ results: answer }), recordsOf(6))
    expect(Object.fromEntries(results)).toEqual({
      'trace-1': { status: 'written', remoteId: '17' },
      'trace-2': { status: 'skipped', reason: 'unknown contact' },
      'trace-3': { status: 'skipped', reason: 'skipped by the endpoint' },
      'trace-4': { status: 'rejected', reason: 'the endpoint rejects the contact: m…@b.example has no owner' },
      'trace-5': { status: 'rejected', reason: 'the endpoint rejects the contact: no message' },
      'trace-6': {
        status: 'retry',
        reason: "the endpoint's answer has the status done instead of ok, skipped or error",
      },
    })
  })

  it.each([
    ['no row', []],
    ['a row that is no object', [7]],
    ['a row without a status', [{ id: 'trace-1' }]],
    ['a row for another contact', [{ id: 'm1@b.example', status: 'ok' }]],
  ])('retries a contact that has %s', async (_what, results) => {
    const { statuses, requests } = await writeTo(() => Response.json({ results }), [recordOf(1)])
    expect(statuses).toEqual(['retry'])
    expect(requests).toHaveLength(1)
  })

  it.each(['', '\u0000', 'x'.repeat(201), {}, true])('does not keep the remote id %j', async (remoteId) => {
    const answer = () => Response.json({ results: [{ id: 'trace-1', status: 'ok', remoteId }] })
    const { results } = await writeTo(answer, [{ ...recordOf(1), remoteId: '7' }])
    expect([...results.values()]).toEqual([{ status: 'written', remoteId: '7' }])
  })

  it.each([400, 413, 422])('halves a batch until the contact that causes a %i is alone', async (status) => {
    const { results, requests } = await writeTo(
      ({ body }) => new Response(null, { status: body.includes('m7@b.example') ? status : 204 }),
      recordsOf(12),
    )
    const bad = [...results].filter(([, result]) => result.status !== 'written')
    expect(bad).toEqual([['trace-7', { status: 'rejected', reason: `the endpoint answered ${status}` }]])
    expect(requests.length).toBeLessThan(12)
  })

  it('sends smaller messages to an endpoint with a smaller limit', async () => {
    const { statuses, requests } = await writeTo(
      ({ body }) => new Response(null, { status: body.length > 2_000 ? 413 : 204 }),
      recordsOf(16),
    )
    expect(new Set(statuses)).toEqual(new Set(['written']))
    expect(new Set(idsOf({ requests })).size).toBe(requests.length)
  })

  it('holds the contacts if every one of them is rejected for the same reason', async () => {
    const whole = await writeTo(() => new Response('queue is full', { status: 400 }), recordsOf(5))
    const rows = await writeTo(({ body }) => {
      const { contacts } = Message.parse(JSON.parse(body) as unknown).data
      return Response.json({ results: contacts.map(({ id }) => ({ id, status: 'error', message: 'no database' })) })
    }, recordsOf(5))
    for (const { results } of [whole, rows])
      for (const result of results.values())
        expect(result).toMatchObject({
          status: 'hold',
          reason: expect.stringContaining('check the account') as unknown,
        })
  })

  it('does not follow a redirect', async () => {
    await using target = await startHttpPeer()
    const { results, requests } = await writeTo(() => Response.redirect(target.url, 307), recordsOf(3))
    expect(requests).toHaveLength(1)
    expect(target.requests).toHaveLength(0)
    for (const result of results.values())
      expect(result).toMatchObject({
        status: 'hold',
        reason: 'the endpoint answered 307 (redirects are not followed: set CRM_HTTP_URL to the final address)',
        refusal: { cause: 'misconfigured' },
      })
  })

  it('retries after half an answer', async () => {
    const { statuses } = await writeTo(() => {
      throw new Error('the connection is reset')
    }, recordsOf(2))
    expect(statuses).toEqual(['retry', 'retry'])
  })

  it('tells the endpoint which contacts to archive only if archiving is on', async () => {
    const records = [recordOf(1, { status: 'removed' }), recordOf(2)]
    for (const archives of [true, false]) {
      const sent = await writeTo(() => new Response(), records, { archives })
      expect(emails(sent)).toEqual([['m1@b.example', 'm2@b.example']])
      const [message] = messagesOf(sent)
      expect(message?.data.contacts.map(({ archive }) => archive)).toEqual([archives, false])
    }
  })

  it('reveals the secret neither in a header nor in a reason', async () => {
    const { requests, results } = await writeTo(() => new Response(null, { status: 401 }), recordsOf(1))
    expect(JSON.stringify([requests, [...results]])).not.toContain('token-of-the-test')
  })

  it('refuses a message with another signature', async () => {
    await using receiver = await startSignedReceiver()
    const results = await openTestAccount(http, { baseUrl: receiver.url, token: 'another' }).upsertMany(
      recordsOf(2),
      terms,
    )
    expect(receiver.violations).toHaveLength(1)
    for (const result of results.values()) expect(result).toMatchObject({ refusal: { cause: 'unauthorised' } })
  })

  it('has no schema to plan, and no contacts to read', async () => {
    const provider = openTestAccount(http, { baseUrl: 'http://localhost:9' })
    expect(await provider.planProperties(testProperties, signal)).toEqual({ missing: [], conflicts: [] })
    await provider.createProperties(testProperties, signal)
    expect(await provider.readContacts([], testProperties, signal)).toEqual(new Map())
    expect(http.ownProperties.test('email')).toBe(false)
  })
})

describeCrmProvider(httpUnderTest)
