import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Secret } from '@warmhook/config/secret'
import { createBudget } from '@warmhook/peer/budget/create-budget'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MailiveryClient } from './create-mailivery-client.ts'
import { fakeCampaign } from './fixtures/fake-campaign.ts'
import { openTestClients, testApiKey, type TestClients } from './fixtures/open-test-clients.ts'
import { startFakeMailivery } from './fixtures/start-fake-mailivery.ts'
import { mailiveryWindows } from './mailivery-limits.ts'

let clients: TestClients
beforeEach(() => {
  clients = openTestClients()
})
afterEach(() => clients[Symbol.asyncDispose]())

describe('a fault of Mailivery', () => {
  const requestMs = 300
  it.each([
    [
      { kind: 'status', status: 401 },
      { status: 'unauthorised', reason: expect.stringContaining('MAILIVERY_API_KEY') },
    ],
    [{ kind: 'status', status: 403 }, { status: 'unauthorised' }],
    [
      { kind: 'status', status: 500 },
      { status: 'unavailable', isSent: true },
    ],
    [{ kind: 'status', status: 503 }, { status: 'unavailable' }],
    [
      { kind: 'status', status: 422, code: 'NO' },
      { status: 'rejected', httpStatus: 422, code: 'NO' },
    ],
    [{ kind: 'html' }, { status: 'malformed', reason: expect.stringContaining('MAILIVERY_BASE_URL') }],
    [{ kind: 'truncated' }, { status: 'malformed' }],
    [{ kind: 'unsuccessful' }, { status: 'malformed', reason: expect.stringContaining('Not now.') }],
    [{ kind: 'hang' }, { status: 'unavailable', isSent: true }],
    [{ kind: 'reset' }, { status: 'unavailable', isSent: true }],
  ] as const)('is a result of the list and of a start: %j', async (fault, expected) => {
    await using mailivery = await startFakeMailivery([fakeCampaign(1)], { fault })
    const client = clients.open(mailivery.baseUrl, { requestMs })
    expect(await client.listCampaigns(null)).toMatchObject(expected)
    expect(await client.startWarmup(1)).toMatchObject(expected)
  })

  it('is a result if nothing listens there', async () => {
    const mailivery = await startFakeMailivery()
    await mailivery[Symbol.asyncDispose]()
    expect(await clients.open(mailivery.baseUrl).listCampaigns(null)).toMatchObject({
      status: 'unavailable',
      isSent: false,
    })
  })

  it('refuses a wrong key and a wrong base URL', async () => {
    await using mailivery = await startFakeMailivery()
    const wrong = clients.open(mailivery.baseUrl, { apiKey: new Secret('another') })
    expect(await wrong.listCampaigns(null)).toMatchObject({ status: 'unauthorised' })
    expect(await clients.open(mailivery.url).listCampaigns(null)).toMatchObject({ status: 'malformed' })
  })

  it('never quotes the key', async () => {
    await using peer = await startHttpPeer(({ headers }) =>
      Response.json(
        { code: headers['authorization'], message: `You sent ${headers['authorization']}` },
        { status: 400 },
      ),
    )
    const result = await clients.open(peer.url).listCampaigns(null)
    expect(result).toMatchObject({ status: 'rejected', reason: expect.stringContaining('You sent Bearer [secret]') })
    expect(JSON.stringify(result)).not.toContain(testApiKey)
  })

  it('ends with the signal of the caller', async () => {
    await using mailivery = await startFakeMailivery([], { fault: { kind: 'hang' } })
    const result = await clients.open(mailivery.baseUrl).listCampaigns(null, AbortSignal.timeout(50))
    expect(result).toMatchObject({ status: 'unavailable' })
  })

  it('does not read an answer of more than 16 MiB', async () => {
    const body = `{"data":[],"x":"${'x'.repeat(16 * 1024 ** 2)}"}`
    await using peer = await startHttpPeer(() => new Response(body))
    expect(await clients.open(peer.url).listCampaigns(null)).toMatchObject({ status: 'malformed' })
  })

  it('does not follow a redirect', async () => {
    await using other = await startHttpPeer()
    await using peer = await startHttpPeer(() => new Response('{}', { status: 302, headers: { location: other.url } }))
    expect(await clients.open(peer.url).listCampaigns(null)).toMatchObject({ status: 'malformed' })
    expect(other.requests).toEqual([])
  })
})

describe('the rate limits', () => {
  const account = hash('sha256', testApiKey)

  it('hold back the call after 240 in a minute, before it is sent', async () => {
    await using mailivery = await startFakeMailivery()
    const deps = { redis: clients.redis, prefix: clients.prefix, now: Date.now }
    const budget = createBudget(`mailivery-budget:${account}`, mailiveryWindows, deps)
    await budget.take({ minute: 239 })
    const client = clients.open(mailivery.baseUrl)
    expect(await client.listCampaigns(null)).toMatchObject({ status: 'ok' })
    expect(await client.listCampaigns(null)).toMatchObject({
      status: 'limited',
      isSent: false,
      waitMs: expect.toSatisfy((ms: number) => ms > 50_000 && ms < 66_000),
    })
    expect(mailivery.calls).toHaveLength(1)
  })

  it('are ten calls in a second at most', async () => {
    await using mailivery = await startFakeMailivery()
    const client = clients.open(mailivery.baseUrl)
    const results = await Promise.all(Array.from({ length: 12 }, () => client.listCampaigns(null)))
    expect(results.filter(({ status }) => status === 'limited')).toHaveLength(2)
    expect(mailivery.calls).toHaveLength(10)
  })

  it('are kept by two workers together in every period', async () => {
    await using mailivery = await startFakeMailivery()
    // A minute that takes a second. The fake counts shorter periods, because calls take different times to arrive.
    const windows = mailiveryWindows.map((window) =>
      window.name === 'minute' ? { ...window, ms: 1_000, limit: 40 } : { ...window, ms: 200, limit: 20 },
    )
    await Promise.all([1, 2].map(() => callFor(2_500, clients.open(mailivery.baseUrl, { windows }))))
    expect(mailivery.mostCallsIn(850)).toBeLessThanOrEqual(40)
    expect(mailivery.calls.length).toBeGreaterThan(60)
  })

  it('leave no key in Redis that names the API key, and none that stays', async () => {
    const fault = { kind: 'status', status: 429 } as const
    await using mailivery = await startFakeMailivery([], { fault })
    await clients.open(mailivery.baseUrl).listCampaigns(null)
    const names = await clients.redis.keys(`${clients.prefix}*`)
    expect(names).toHaveLength(2)
    for (const name of names) {
      expect(name).toContain(account)
      expect(name).not.toContain(testApiKey)
      expect(await clients.redis.pttl(name)).toBeGreaterThan(0)
    }
  })

  it('are separate for each key', async () => {
    await using mailivery = await startFakeMailivery([], { fault: { kind: 'status', status: 429 } })
    expect(await clients.open(mailivery.baseUrl).listCampaigns(null)).toMatchObject({
      status: 'limited',
      waitMs: 60_000,
    })
    Object.assign(mailivery.settings, { fault: undefined, apiKey: 'another' })
    const other = clients.open(mailivery.baseUrl, { apiKey: new Secret('another') })
    expect(await other.listCampaigns(null)).toMatchObject({ status: 'ok' })
  })

  it('pause all workers until the time that a 429 names', async () => {
    await using mailivery = await startFakeMailivery([], { fault: { kind: 'status', status: 429, retryAfter: '1' } })
    const [one, two] = [clients.open(mailivery.baseUrl), clients.open(mailivery.baseUrl)]
    expect(await one.listCampaigns(null)).toMatchObject({ status: 'limited', isSent: true, waitMs: 1_000 })
    mailivery.settings.fault = undefined
    const held = await two.listCampaigns(null)
    expect(held).toMatchObject({ status: 'limited', isSent: false })
    expect(mailivery.calls).toHaveLength(1)
    await delay(held.status === 'limited' ? held.waitMs : 0)
    expect(await two.listCampaigns(null)).toMatchObject({ status: 'ok' })
  })

  it('count the calls of other programs that an answer tells of', async () => {
    const headers = { 'x-ratelimit-limit': '240', 'x-ratelimit-remaining': '0' }
    await using mailivery = await startFakeMailivery([], { headers })
    expect(await clients.open(mailivery.baseUrl).listCampaigns(null)).toMatchObject({ status: 'ok' })
    expect(await clients.open(mailivery.baseUrl).listCampaigns(null)).toMatchObject({
      status: 'limited',
      isSent: false,
    })
  })
})

/** Calls as often as the limits allow. */
async function callFor(ms: number, client: MailiveryClient): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    const result = await client.listCampaigns(null)
    if (result.status === 'limited') await delay(Math.min(result.waitMs, 20))
  }
}
