import { Secret } from '@warmhook/config/secret'
import { createMailiveryClient } from '@warmhook/mailivery/create-mailivery-client'
import { fakeCampaign } from '@warmhook/mailivery/fixtures/fake-campaign'
import { startFakeMailivery, type FakeMailivery } from '@warmhook/mailivery/fixtures/start-fake-mailivery'
import { connectConsumer, disconnect } from '@warmhook/queue/connections'
import { listWarmupStarts } from '@warmhook/store/warmup-starts/list-warmup-starts'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { testPrefix } from '@warmhook/testing/test-prefix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCampaign, type StartDeps } from './start-campaign.ts'

const rule = { tags: ['VIP'], domains: ['acme.example'], addresses: ['Jane@beta.example'] }
const event = (campaignId: number) => ({
  id: `019a1b2c-0000-7000-8000-${String(campaignId).padStart(12, '0')}`,
  owner: 'acme',
  campaignId,
  receivedAt: 1,
})

describe('startCampaign', () => {
  let stack: AsyncDisposableStack
  let mailivery: FakeMailivery
  let store: TestStore
  let deps: StartDeps
  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    mailivery = stack.use(await startFakeMailivery())
    store = stack.use(await openTestStore())
    const keys = stack.use(testPrefix())
    const redis = connectConsumer({ url: keys.redisUrl, onError: () => undefined })
    stack.defer(() => disconnect(redis))
    const apiKey = new Secret(mailivery.settings.apiKey)
    const client = createMailiveryClient({
      baseUrl: mailivery.baseUrl,
      apiKey,
      redis,
      prefix: keys.prefix,
      now: Date.now,
    })
    deps = { db: store.db, client, rule, now: Date.now }
  })
  afterEach(() => stack.disposeAsync())

  const starts = () => mailivery.calls.filter(({ path }) => path.endsWith('/start-warmup')).length
  const decisions = async () => (await listWarmupStarts(store.db, {}, { limit: 10, cursor: undefined })).items

  it.each([
    ['a tag', { tags: ['vip'] }, 'tag VIP'],
    ['its domain', { email: 'a@ACME.example' }, 'domain acme.example'],
    ['its address', { email: 'jane@beta.example' }, 'its address'],
  ])('starts a pending campaign that is expected by %s, once', async (_by, changes, detail) => {
    mailivery.campaigns.set(1, fakeCampaign(1, { statusCode: 'pending', ...changes }))
    expect(await startCampaign(event(1), deps)).toEqual({ status: 'done', note: `started: ${detail}` })
    expect(await startCampaign(event(1), deps)).toMatchObject({ status: 'done', note: 'not pending any more: active' })
    expect(starts()).toBe(1)
    expect(await decisions()).toMatchObject([{ campaignId: 1, decision: 'started', detail }])
  })

  it('never starts an unexpected campaign, and lists it', async () => {
    mailivery.campaigns.set(2, fakeCampaign(2, { statusCode: 'pending', email: 'x@notacme.example' }))
    expect(await startCampaign(event(2), deps)).toMatchObject({ status: 'done' })
    expect(starts()).toBe(0)
    expect(await decisions()).toMatchObject([{ campaignId: 2, decision: 'unexpected' }])
  })

  it('records why Mailivery refuses to start a mailbox that it cannot connect to', async () => {
    mailivery.campaigns.set(3, fakeCampaign(3, { statusCode: 'pending', tags: ['vip'], isBroken: true }))
    expect(await startCampaign(event(3), deps)).toMatchObject({ status: 'done' })
    expect(await decisions()).toMatchObject([{ campaignId: 3, decision: 'rejected' }])
  })

  it.each([
    [{ kind: 'status', status: 401 }, 'hold'],
    [{ kind: 'status', status: 429, retryAfter: '30' }, 'hold'],
    [{ kind: 'status', status: 500 }, 'retry'],
    [{ kind: 'html' }, 'retry'],
  ] as const)('starts nothing and tries again later when Mailivery answers with %o', async (fault, status) => {
    mailivery.campaigns.set(1, fakeCampaign(1, { statusCode: 'pending', tags: ['vip'] }))
    mailivery.settings.fault = fault
    expect(await startCampaign(event(1), deps)).toMatchObject({ status })
    expect(await decisions()).toEqual([])
  })
})
