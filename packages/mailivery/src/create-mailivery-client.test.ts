import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Campaign } from './campaign.ts'
import type { MailiveryClient } from './create-mailivery-client.ts'
import { fakeCampaign } from './fixtures/fake-campaign.ts'
import { openTestClients, type TestClients } from './fixtures/open-test-clients.ts'
import { startFakeMailivery } from './fixtures/start-fake-mailivery.ts'

let clients: TestClients
beforeEach(() => {
  clients = openTestClients()
})
afterEach(() => clients[Symbol.asyncDispose]())

const twentyFive = () => Array.from({ length: 25 }, (_, index) => fakeCampaign(index + 1))

async function readAll(client: MailiveryClient) {
  const campaigns: Campaign[] = []
  const totals: (number | null)[] = []
  for (let page: string | null = null; ;) {
    const result = await client.listCampaigns(page)
    if (result.status !== 'ok') return result
    campaigns.push(...result.value.campaigns)
    totals.push(result.value.total)
    page = result.value.next
    if (page === null) return { status: 'ok', ids: campaigns.map(({ id }) => id), totals }
  }
}

describe('listCampaigns', () => {
  it.each(['next_page_url', 'links.next', 'meta.last_page', 'none'] as const)(
    'reads all pages in either spelling, with %s',
    async (style) => {
      await using mailivery = await startFakeMailivery(twentyFive(), { paging: { style, size: 10 } })
      for (const spelling of ['snake', 'camel'] as const) {
        mailivery.settings.spelling = spelling
        const all = await readAll(clients.open(mailivery.baseUrl))
        expect(all).toMatchObject({ status: 'ok', ids: twentyFive().map(({ id }) => id) })
        expect(all).toMatchObject({ totals: style === 'none' ? [null] : [25, 25, 25] })
      }
    },
  )

  it('reads every field, in either spelling', async () => {
    const campaign = fakeCampaign(7, {
      firstName: 'Ada',
      lastName: 'L.',
      provider: 'office',
      tags: ['a', 'b'],
      statusCode: ' Paused by System ',
      updatedAt: '2026-02-03 04:05:06',
    })
    await using mailivery = await startFakeMailivery([campaign])
    for (const spelling of ['snake', 'camel'] as const) {
      mailivery.settings.spelling = spelling
      expect(await clients.open(mailivery.baseUrl).listCampaigns(null)).toEqual({
        status: 'ok',
        value: { campaigns: [campaign], next: null, total: 1 },
      })
    }
  })

  it('reads an empty list', async () => {
    await using mailivery = await startFakeMailivery()
    expect(await readAll(clients.open(mailivery.baseUrl))).toEqual({ status: 'ok', ids: [], totals: [0] })
  })

  it('sends the key and a request id of its own with each call', async () => {
    await using mailivery = await startFakeMailivery(twentyFive())
    await readAll(clients.open(mailivery.baseUrl))
    const ids = mailivery.calls.map(({ requestId }) => requestId)
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    expect(mailivery.calls.map(({ path }) => path)).toEqual(['/campaigns', '/campaigns?page=2', '/campaigns?page=3'])
  })

  it('tells the total, so that a list that ends too early is noticed', async () => {
    await using mailivery = await startFakeMailivery(twentyFive(), { fault: { kind: 'half list' } })
    expect(await readAll(clients.open(mailivery.baseUrl))).toMatchObject({ ids: { length: 20 }, totals: [25, 25] })
  })

  it('shows the list as it is when a campaign is deleted between two pages', async () => {
    await using mailivery = await startFakeMailivery(twentyFive(), { fault: { kind: 'page shift' } })
    const all = await readAll(clients.open(mailivery.baseUrl))
    // Campaign 11 moved to the first page after that was read: a caller must not take it for deleted.
    expect(all).toMatchObject({ ids: expect.not.arrayContaining([11]), totals: [25, 24, 24] })
  })
})

describe('getCampaign', () => {
  it('reads a campaign, and knows one that does not exist', async () => {
    await using mailivery = await startFakeMailivery([fakeCampaign(7)])
    const client = clients.open(mailivery.baseUrl)
    expect(await client.getCampaign(7)).toMatchObject({ status: 'ok', value: { id: 7, statusCode: 'active' } })
    expect(await client.getCampaign(8)).toEqual({ status: 'not found' })
  })

  it.each([
    ['HTML', new Response('<html>', { status: 404 }), 'malformed'],
    ['an error without a code', Response.json({ message: 'No such route.' }, { status: 404 }), 'rejected'],
    ['another campaign', Response.json({ data: { id: 8 } }), 'malformed'],
    ['a campaign without an id', Response.json({ data: { email: 'm7@example.com' } }), 'malformed'],
  ])('does not take %s for an answer about the campaign', async (_name, response, status) => {
    await using peer = await startHttpPeer(() => response)
    expect(await clients.open(peer.url).getCampaign(7)).toMatchObject({ status })
  })
})

describe('startWarmup', () => {
  it('starts a pending campaign', async () => {
    await using mailivery = await startFakeMailivery([fakeCampaign(7, { statusCode: 'pending' })])
    expect(await clients.open(mailivery.baseUrl).startWarmup(7)).toEqual({ status: 'ok', value: 'started' })
    expect(mailivery.campaigns.get(7)?.statusCode).toBe('active')
  })

  it("passes on Mailivery's refusal, without the address", async () => {
    await using mailivery = await startFakeMailivery([fakeCampaign(7, { statusCode: 'pending', isBroken: true })])
    const result = await clients.open(mailivery.baseUrl).startWarmup(7)
    expect(result).toMatchObject({ status: 'rejected', httpStatus: 422, code: 'CONNECTION_FAILED' })
    expect(result).toMatchObject({
      reason: expect.stringMatching(/^Mailivery answered 422: CONNECTION_FAILED SMTP of /),
    })
    expect(JSON.stringify(result)).not.toContain('m7@')
  })
})

describe('requestReconnect', () => {
  it('returns the link for a Microsoft mailbox, and null for others', async () => {
    await using mailivery = await startFakeMailivery([fakeCampaign(7, { provider: 'office' }), fakeCampaign(8)])
    const client = clients.open(mailivery.baseUrl)
    expect(await client.requestReconnect(7)).toEqual({ status: 'ok', value: 'https://login.example.com/oauth?state=7' })
    expect(await client.requestReconnect(8)).toEqual({ status: 'ok', value: null })
    expect(mailivery.calls.map(({ method, body }) => [method, body])).toEqual([
      ['PATCH', '{}'],
      ['PATCH', '{}'],
    ])
  })

  it.each(['javascript:alert(1)', 'http://login.example.com', 7])('refuses the link %j', async (reconnectUrl) => {
    await using peer = await startHttpPeer(() => Response.json({ data: { reconnectUrl } }))
    expect(await clients.open(peer.url).requestReconnect(7)).toMatchObject({ status: 'malformed' })
  })
})

describe('recheckConnections', () => {
  it('restarts what works again, three times in two hours for all workers', async () => {
    const paused = { statusCode: 'paused' }
    await using mailivery = await startFakeMailivery([
      fakeCampaign(7, paused),
      fakeCampaign(8, { ...paused, isBroken: true }),
    ])
    const [one, two] = [clients.open(mailivery.baseUrl), clients.open(mailivery.baseUrl)]
    expect(await one.readRecheckBudget()).toMatchObject({ limit: 3, remaining: 3 })
    for (const client of [one, two, one]) expect(await client.recheckConnections()).toMatchObject({ status: 'ok' })
    expect([...mailivery.campaigns.values()].map(({ statusCode }) => statusCode)).toEqual(['active', 'paused'])
    expect(await two.recheckConnections()).toMatchObject({
      status: 'limited',
      isSent: false,
      waitMs: expect.toSatisfy((ms: number) => ms > 1.8 * 3_600_000 && ms < 2.2 * 3_600_000),
    })
    expect(mailivery.calls).toHaveLength(3)
    const budget = await two.readRecheckBudget()
    expect(budget).toMatchObject({ limit: 3, remaining: 0 })
    expect(budget.resetsAt).toBeGreaterThan(Date.now() + 1.8 * 3_600_000)
  })

  it('learns that another program has used up the limit, and holds no other call back for it', async () => {
    const fault = { kind: 'status', status: 429, code: 'TOO_MANY_REQUESTS', retryAfter: '4000' } as const
    await using mailivery = await startFakeMailivery([fakeCampaign(7)], { fault })
    expect(await clients.open(mailivery.baseUrl).recheckConnections()).toMatchObject({
      status: 'limited',
      waitMs: 4_000_000,
    })
    mailivery.settings.fault = undefined
    expect(await clients.open(mailivery.baseUrl).getCampaign(7)).toMatchObject({ status: 'ok' })
    expect(await clients.open(mailivery.baseUrl).recheckConnections()).toMatchObject({
      status: 'limited',
      isSent: false,
    })
    const { remaining, resetsAt } = await clients.open(mailivery.baseUrl).readRecheckBudget()
    expect(remaining).toBe(0)
    expect(resetsAt).toBeLessThan(Date.now() + 4_100_000)
  })
})
