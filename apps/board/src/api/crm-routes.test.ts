import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CrmSettings } from '@warmhook/crm/accounts/crm-settings'
import { readCrmSettings } from '@warmhook/crm/accounts/read-crm-settings'
import { startContractHubspot } from '@warmhook/crm/hubspot/fixtures/start-contract-hubspot'
import type { FakeCrm } from '@warmhook/crm/fixtures/describe-crm-provider'
import { createHandlers, type ActiveHandler } from '@warmhook/handlers/registry'
import { writeEventJob } from '@warmhook/schema/event-job'
import { toEventRef } from '@warmhook/schema/event-ref'
import { recordBatch } from '@warmhook/testing/record-batch'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import { afterEach, describe, expect, it } from 'vitest'
import { openTestBoard, type TestBoard } from '../fixtures/open-test-board.ts'

const signal = new AbortController().signal

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

interface Installation {
  readonly board: TestBoard
  readonly crm: FakeCrm
  readonly handler: ActiveHandler
}

/** A board beside a worker, with a HubSpot that checks its published contract. */
async function open(options: Parameters<typeof startContractHubspot>[0] = {}): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), 'warmhook-crm-'))
  stack.defer(() => rm(directory, { recursive: true }))
  const crm = stack.use(await startContractHubspot(options))
  const file = join(directory, 'endpoints.yml')
  await writeFile(file, 'endpoints: [{ owner: acme, keys: [key-of-at-least-22-characters] }]')
  const env = { HUBSPOT_ACCESS_TOKEN: 'pat-secret', HUBSPOT_BASE_URL: crm.url, ENDPOINTS_FILE: file }
  const settings: CrmSettings = readCrmSettings(env, ['mailivery'])
  const board = stack.use(await openTestBoard('postgres', { crm: settings }))
  const { db, redis, prefix, log } = board
  const handler = createHandlers(env, { db, redis, prefix, log, now: Date.now }).find(({ name }) => name === 'crm-sync')
  if (handler === undefined) throw new Error('a token switches it on')
  await handler.announce?.(db)
  return { board, crm, handler }
}

async function arrive({ board }: Installation, count: number) {
  const envelope = createEnvelopes()
  const routed = Array.from({ length: count }, (_, index) =>
    toRouted(envelope({ type: 'campaign.created', account: { id: index + 1, email: `m${index + 1}@b.example` } })),
  )
  await recordBatch(board.db, { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 })
  return routed.map(({ event }) => event)
}

const stateOf = async ({ board }: Installation) => {
  const { items } = await board.get<{ items: readonly Record<string, unknown>[] }>('/api/crm')
  return items[0]
}

describe('/api/crm', () => {
  it('shows each owner with the state, the counts and the budget of its account', async () => {
    const installation = await open()
    const events = await arrive(installation, 3)
    await installation.handler.handle(events, signal)
    expect(await stateOf(installation)).toMatchObject({
      owner: 'acme',
      provider: 'hubspot',
      mode: 'upsert',
      state: 'ok',
      synced: 3,
      failed: 0,
      budget: { limit: 100, remaining: 99 },
      lastError: null,
    })
  })

  it('is empty without an account', async () => {
    const board = stack.use(await openTestBoard())
    expect(await board.get('/api/crm')).toEqual({ items: [], nextCursor: null })
  })

  it('tells a revoked token from missing properties, and reopens the account on request', async () => {
    let isRevoked = true
    const installation = await open({
      intercept: () => (isRevoked ? Response.json({ message: 'expired' }, { status: 401 }) : undefined),
    })
    const { board, handler, crm } = installation
    const [event] = await arrive(installation, 1)
    if (event === undefined) throw new Error('one event arrived')
    expect([...(await handler.handle([event], signal)).values()]).toMatchObject([{ status: 'hold' }])
    expect(await stateOf(installation)).toMatchObject({
      state: 'unauthorised',
      lastError: expect.stringContaining('HUBSPOT_ACCESS_TOKEN'),
    })
    const queue = board.queueNamed('crm-sync')
    const progress = new Map([[event.id, { attempts: 0, notBefore: Date.now() + 60_000 }]])
    const job = { events: [toEventRef(event)], dead: [], progress, replayId: undefined }
    await queue.add('held', writeEventJob(job), { delay: 60_000 })
    expect([...(await handler.handle([event], signal)).values()]).toMatchObject([{ status: 'hold' }])
    expect(crm.requests).toHaveLength(1)
    isRevoked = false
    const response = await board.request('/api/crm/acme/resume', { method: 'POST' })
    expect(response.status).toBe(200)
    expect(await queue.getJobCounts('waiting', 'delayed')).toEqual({ waiting: 1, delayed: 0 })
    expect([...(await handler.handle([event], signal)).values()]).toMatchObject([{ status: 'done' }])
    expect(await stateOf(installation)).toMatchObject({ state: 'ok', synced: 1 })
  })

  it('answers 404 for an owner without an account', async () => {
    const { board } = await open()
    for (const path of ['resume', 'plan', 'apply'])
      expect((await board.request(`/api/crm/nobody/${path}`, { method: 'POST' })).status).toBe(404)
  })

  it('plans and creates the properties that the account lacks', async () => {
    const installation = await open({ hasProperties: false })
    const { board } = installation
    const plan = await board.post('/api/crm/acme/plan', {})
    expect(plan).toMatchObject({ provider: 'hubspot', properties: 7, missing: { length: 7 }, conflicts: [] })
    expect(await board.post('/api/crm/acme/apply', {})).toMatchObject({ missing: [], conflicts: [] })
    expect(await board.post('/api/crm/acme/plan', {})).toMatchObject({ missing: [] })
  })

  it("answers 502 with the CRM's reason if it refuses", async () => {
    const { board } = await open({ intercept: () => Response.json({ message: 'expired' }, { status: 401 }) })
    const response = await board.request('/api/crm/acme/plan', { method: 'POST' })
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('HubSpot answered 401') })
  })

  it('tells how long to wait if the budget of the account is used up', async () => {
    const { board } = await open({
      headers: { 'x-hubspot-ratelimit-max': '1', 'x-hubspot-ratelimit-remaining': '0' },
    })
    await board.post('/api/crm/acme/plan', {})
    const response = await board.request('/api/crm/acme/plan', { method: 'POST' })
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining('rate budget is used up'),
      waitMs: expect.any(Number),
    })
  })

  it('finds contacts that a person changed or deleted, and has the worker repair them', async () => {
    const installation = await open()
    const { board, crm, handler } = installation
    const events = await arrive(installation, 4)
    await handler.handle(events.slice(0, 3), signal)
    Object.assign(crm.contact('m2@b.example') ?? {}, { mailivery_warmup_status: 'removed' })
    const dry = await board.post('/api/crm/acme/comparison', {})
    expect(dry).toMatchObject({
      checked: 3,
      queued: 0,
      next: null,
      differences: [
        {
          email: 'm2@b.example',
          isMissing: false,
          properties: [{ property: 'mailivery_warmup_status', inCrm: 'removed', expected: 'active' }],
        },
      ],
    })
    expect(await board.post('/api/crm/acme/comparison', { dryRun: false })).toMatchObject({ queued: 1 })
    const owed = await board.db.selectFrom('outbox').select(['handler', 'event_ids']).execute()
    expect(owed).toContainEqual({ handler: 'crm-sync', event_ids: [events[1]?.id] })
    await handler.handle(events.slice(1, 2), signal)
    expect(crm.contact('m2@b.example')).toMatchObject({ mailivery_warmup_status: 'active' })
  })

  it('lists the contacts that are not in sync', async () => {
    const installation = await open()
    const { board, handler } = installation
    const [first, second] = await arrive(installation, 2)
    if (first === undefined || second === undefined) throw new Error('two events arrived')
    await handler.handle([first], signal)
    const owed = (id: string) => ({ id: randomUUID(), handler: 'crm-sync', event_ids: [id], is_queued: true })
    await board.db
      .insertInto('outbox')
      .values([owed(first.id), owed(second.id)])
      .execute()
    expect(await board.get('/api/crm/contacts?owner=acme')).toMatchObject({
      items: [{ campaignId: 2, state: 'waiting', reason: null, eventId: second.id }],
      nextCursor: null,
    })
    expect(await stateOf(installation)).toMatchObject({ synced: 1, waiting: 2 })
  })
})
