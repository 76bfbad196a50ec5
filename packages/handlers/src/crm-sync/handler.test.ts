import { randomUUID } from 'node:crypto'
import { Secret } from '@warmhook/config/secret'
import { done } from '@warmhook/queue/outcome'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { leaseContacts } from '@warmhook/store/crm-sync/lease-contacts'
import { recordBatch } from '@warmhook/store/events/record-batch'
import { createLogger } from '@warmhook/telemetry/logger'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { startFakeHubspot, type FakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HandleEvents } from '../handler.ts'
import { crmSync } from './handler.ts'

const never = new AbortController().signal

let store: TestStore
let envelope: ReturnType<typeof createEnvelopes>
beforeEach(async () => {
  store = await openTestStore('postgres')
  envelope = createEnvelopes(1_700_000_000_000)
})
afterEach(() => store[Symbol.asyncDispose]())

function createHandle(crm: FakeHubspot): HandleEvents {
  const env = {
    CRM_PROVIDER: 'hubspot',
    HUBSPOT_ACCESS_TOKEN: new Secret('pat-secret'),
    HUBSPOT_BASE_URL: crm.url,
    HUBSPOT_API_VERSION: '2026-09',
  } as const
  const handle = crmSync.create(env, { db: store.db, log: createLogger('test', 'silent'), now: Date.now })
  if (handle === undefined) throw new Error('a token switches it on')
  return handle
}

async function arrive(...bodies: object[]): Promise<MailboxEvent[]> {
  const routed = bodies.map((body) => toRouted(envelope(body)))
  await recordBatch(store.db, { id: randomUUID(), isReplay: false, events: routed, refused: [], dedupeWindowMs: 0 })
  return routed.map(({ event }) => event)
}

const problemOf = (id: number, email = `m${id}@b.example`) => ({
  type: 'campaign.connection.problematic',
  reason: 'Smtp Connection Error',
  account: { id, email, provider_type: 'smtp', tags: ['x', 'y'] },
})
const updateOf = (id: number, email = `m${id}@b.example`) => ({ type: 'campaign.updated', account: { id, email } })

describe('crm-sync', () => {
  it('is off without a token', () => {
    const env = {
      CRM_PROVIDER: 'hubspot',
      HUBSPOT_ACCESS_TOKEN: undefined,
      HUBSPOT_BASE_URL: 'http://127.0.0.1',
      HUBSPOT_API_VERSION: 'x',
    } as const
    expect(crmSync.create(env, { db: store.db, log: createLogger('test', 'silent'), now: Date.now })).toBeUndefined()
  })

  it('sends the whole state of a mailbox in one batch upsert by e-mail', async () => {
    await using crm = await startFakeHubspot()
    const [event] = await arrive(problemOf(218, 'Josh@B.example'))
    if (event === undefined) throw new Error('one event was recorded')
    expect(await createHandle(crm)([event], never)).toEqual(new Map([[event.id, done()]]))
    const [request] = crm.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/crm/objects/2026-09/contacts/batch/upsert',
      headers: { authorization: 'Bearer pat-secret' },
    })
    expect(JSON.parse(request?.body ?? '')).toEqual({
      inputs: [
        {
          id: 'josh@b.example',
          idProperty: 'email',
          objectWriteTraceId: event.id,
          properties: {
            email: 'josh@b.example',
            mailivery_warmup_status: 'paused',
            mailivery_paused_since: new Date(event.receivedAt).toISOString(),
            mailivery_pause_reason: 'Smtp Connection Error',
            mailivery_provider: 'smtp',
            mailivery_tags: 'x;y',
            mailivery_campaign_id: '218',
            mailivery_last_event_at: new Date(event.receivedAt).toISOString(),
          },
        },
      ],
    })
  })

  it('writes an equal state once', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(problemOf(1))
    const handle = createHandle(crm)
    await handle(events, never)
    expect([...(await handle(events, never)).values()]).toEqual([done('the CRM has this state')])
    expect(crm.requests).toHaveLength(1)
  })

  it('writes no older state over a later one', async () => {
    await using crm = await startFakeHubspot()
    const [old, late] = await arrive(problemOf(1, 'same@b.example'), updateOf(2, 'same@b.example'))
    if (old === undefined || late === undefined) throw new Error('two events were recorded')
    const handle = createHandle(crm)
    await handle([late], never)
    expect([...(await handle([old], never)).values()]).toEqual([done('the CRM has a later state')])
    expect(crm.contacts.get('same@b.example')).toMatchObject({
      mailivery_warmup_status: 'active',
      mailivery_campaign_id: '2',
    })
  })

  it('shows the mailbox with the latest event where several share an address', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(problemOf(1, 'Same@b.example'), updateOf(2, 'same@B.example'))
    const outcomes = await createHandle(crm)(events, never)
    expect([...outcomes.values()]).toEqual([done(), done()])
    expect(crm.contacts.get('same@b.example')).toMatchObject({ mailivery_campaign_id: '2' })
  })

  it('takes an answer apart: written, rejected, and not mentioned', async () => {
    await using crm = await startFakeHubspot(([first, second]) =>
      Response.json(
        {
          results: [{ id: '1', properties: { email: first?.id } }],
          errors: [
            {
              category: 'VALIDATION_ERROR',
              message: 'no such option',
              context: { objectWriteTraceId: [second?.objectWriteTraceId] },
            },
          ],
        },
        { status: 207 },
      ),
    )
    const events = await arrive(updateOf(1), updateOf(2), updateOf(3))
    const outcomes = await createHandle(crm)(events, never)
    expect(events.map(({ id }) => outcomes.get(id)?.status)).toEqual(['done', 'discard', 'retry'])
  })

  it('does not let one bad contact sink a batch that the CRM refuses whole', async () => {
    await using crm = await startFakeHubspot((inputs, _request, write) =>
      inputs.some(({ id }) => id === 'm3@b.example')
        ? Response.json({ category: 'VALIDATION_ERROR', message: 'bad e-mail' }, { status: 400 })
        : write(),
    )
    const events = await arrive(...[1, 2, 3, 4, 5].map((id) => updateOf(id)))
    const outcomes = await createHandle(crm)(events, never)
    expect(events.map(({ id }) => outcomes.get(id)?.status)).toEqual(['done', 'done', 'discard', 'done', 'done'])
  })

  it.each([
    [429, { policyName: 'TEN_SECONDLY_ROLLING' }, {}, 10_000],
    [429, { policyName: 'SECONDLY' }, {}, 1_000],
    [429, { policyName: 'DAILY' }, {}, 3_600_000],
    [477, {}, { 'retry-after': '120' }, 120_000],
    [423, {}, {}, 2_000],
    [401, {}, {}, 60_000],
    [503, {}, {}, 1_000],
  ])('tries again after %i %j when the CRM says so', async (status, body, headers, waitMs) => {
    await using crm = await startFakeHubspot(() => Response.json(body, { status, headers }))
    const [event] = await arrive(updateOf(1))
    if (event === undefined) throw new Error('one event was recorded')
    const before = Date.now()
    const outcome = (await createHandle(crm)([event], never)).get(event.id)
    expect(outcome).toMatchObject({ status: 'retry' })
    const notBefore = outcome?.status === 'retry' ? (outcome.notBefore ?? 0) : 0
    expect(notBefore).toBeGreaterThanOrEqual(before + waitMs)
    expect(JSON.stringify(outcome)).not.toContain('pat-secret')
  })

  it('tries again when the answer is garbage or the connection breaks, and ends with one true contact', async () => {
    let calls = 0
    await using crm = await startFakeHubspot((_inputs, _request, write) => {
      calls += 1
      if (calls === 1) return new Response('<html>gateway</html>')
      write()
      if (calls === 2) throw new Error('the answer is lost')
      return write()
    })
    const events = await arrive(problemOf(1))
    const handle = createHandle(crm)
    const statuses = []
    for (let run = 0; run < 3; run += 1)
      statuses.push([...(await handle(events, never)).values()].map(({ status }) => status))
    expect(statuses).toEqual([['retry'], ['retry'], ['done']])
    expect(crm.contacts.get('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'paused' })
  })

  it('leaves a contact alone that another worker is writing', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(updateOf(1))
    await leaseContacts(store.db, 'hubspot', [{ owner: 'acme', email: 'm1@b.example' }], {
      leaseId: randomUUID(),
      leaseMs: 60_000,
    })
    expect([...(await createHandle(crm)(events, never)).values()]).toMatchObject([{ status: 'retry' }])
    expect(crm.requests).toHaveLength(0)
  })

  it('ends with the latest state in the CRM for any order, repetition and cut of the events, with failures in between', async () => {
    const history = fc.array(fc.record({ mailbox: fc.nat(2), isProblem: fc.boolean() }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(history, fc.array(fc.nat(3), { maxLength: 12 }), fc.gen(), async (entries, faults, gen) => {
        const fault = faults[Symbol.iterator]()
        await using crm = await startFakeHubspot((_inputs, _request, write) => {
          const kind = fault.next().value ?? 0
          if (kind === 1) return new Response('busy', { status: 503 })
          const answer = write()
          return kind === 2 ? new Response('lost', { status: 502 }) : answer
        })
        const prefix = randomUUID()
        const events = await arrive(
          ...entries.map(({ mailbox, isProblem }) =>
            (isProblem ? problemOf : updateOf)(mailbox + 1, `${prefix}-${mailbox}@b.example`),
          ),
        )
        const handle = createHandle(crm)
        let waiting: readonly MailboxEvent[] = gen(fc.shuffledSubarray, events, {
          minLength: events.length,
          maxLength: events.length,
        })
        while (waiting.length > 0) {
          const size = gen(fc.integer, { min: 1, max: waiting.length })
          const batches = Array.from({ length: Math.ceil(waiting.length / size) }, (_, index) =>
            waiting.slice(index * size, (index + 1) * size),
          )
          const outcomes = await Promise.all(batches.map((batch) => handle(batch, never)))
          waiting = waiting.filter((event) => outcomes.some((each) => each.get(event.id)?.status === 'retry'))
        }
        for (const [mailbox, own] of Map.groupBy(events, (event) => event.campaignId)) {
          const last = own.at(-1)
          const status = last?.type === 'campaign.updated' ? 'active' : 'paused'
          const firstOfRun = own.findLast(
            (event, index) => event.type !== 'campaign.updated' && own[index - 1]?.type !== event.type,
          )
          expect(crm.contacts.get(`${prefix}-${mailbox - 1}@b.example`)).toMatchObject({
            mailivery_warmup_status: status,
            mailivery_paused_since: status === 'paused' ? new Date(firstOfRun?.receivedAt ?? 0).toISOString() : '',
            mailivery_last_event_at: new Date(last?.receivedAt ?? 0).toISOString(),
          })
        }
        await store.db.deleteFrom('events').execute()
        for (const table of ['mailboxes', 'pauses', 'crm_sync'] as const) await store.db.deleteFrom(table).execute()
      }),
      { numRuns: 40 },
    )
  })
})
