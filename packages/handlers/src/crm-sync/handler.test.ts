import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startContractHubspot } from '@warmhook/crm/hubspot/fixtures/start-contract-hubspot'
import { done } from '@warmhook/queue/outcome'
import { emptyTimeline, foldTimeline } from '@warmhook/schema/fold-timeline'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { leaseContacts } from '@warmhook/store/crm-sync/lease-contacts'
import { settleContacts } from '@warmhook/store/crm-sync/settle-contacts'
import { recordBatch } from '@warmhook/testing/record-batch'
import { openTestStore, type TestStore } from '@warmhook/testing/open-test-store'
import { startFakeHubspot, type FakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { createLogger } from '@warmhook/telemetry/logger'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { createEnvelopes, toRouted } from '@warmhook/testing/webhook-events'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handlerDeps } from '../fixtures/handler-deps.ts'
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

function createHandle(crm: Pick<FakeHubspot, 'url'>, isShared = false): HandleEvents {
  return crmSync.create(readSettings(crm, isShared), handlerDeps(store.db))
}

function readSettings(crm: Pick<FakeHubspot, 'url'>, isShared = false, more: NodeJS.ProcessEnv = {}) {
  const settings = crmSync.parse({
    HUBSPOT_ACCESS_TOKEN: 'pat-secret',
    HUBSPOT_BASE_URL: crm.url,
    CRM_SHARED_BY_OWNERS: String(isShared),
    ...more,
  })
  if (settings === undefined) throw new Error('a token switches it on')
  return settings
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
const deleteOf = (id: number, email: string) => ({ type: 'campaign.deleted', account: { id, email } })
const updateOf = (id: number, email = `m${id}@b.example`) => ({ type: 'campaign.updated', account: { id, email } })

/** Ends the wait of a closed gate. */
async function waitIsOver({ db }: TestStore): Promise<void> {
  await db
    .updateTable('peer_gates')
    .set({ closed_until: new Date(Date.now() - 1_000) })
    .where('closed_until', 'is not', null)
    .execute()
}

describe('crm-sync', () => {
  it('is off without an account', () => {
    expect(crmSync.parse({})).toBeUndefined()
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

  it('writes an identical state once', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(problemOf(1))
    const handle = createHandle(crm)
    await handle(events, never)
    expect([...(await handle(events, never)).values()]).toEqual([done('the CRM already has this state')])
    expect(crm.requests).toHaveLength(1)
  })

  it('does not overwrite a state with an older one', async () => {
    await using crm = await startFakeHubspot()
    const [old, late] = await arrive(problemOf(1, 'same@b.example'), updateOf(2, 'same@b.example'))
    if (old === undefined || late === undefined) throw new Error('two events were recorded')
    const handle = createHandle(crm)
    await handle([late], never)
    const note = 'the contact shows campaign 2, which has the same address'
    expect([...(await handle([old], never)).values()]).toEqual([done(note)])
    expect(crm.requests).toHaveLength(1)
    expect(crm.contacts.get('same@b.example')).toMatchObject({
      mailivery_warmup_status: 'active',
      mailivery_campaign_id: '2',
    })
  })

  it('shows the mailbox with the latest event if several share an address', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(problemOf(1, 'Same@b.example'), updateOf(2, 'same@B.example'))
    const outcomes = await createHandle(crm)(events, never)
    expect([...outcomes.values()]).toEqual([done(), done()])
    expect(crm.requests).toHaveLength(1)
    expect(crm.contacts.get('same@b.example')).toMatchObject({ mailivery_campaign_id: '2' })
  })

  it('distinguishes written, rejected and unmentioned contacts in an answer', async () => {
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

  it('writes the other contacts of a batch that the CRM rejects because of one', async () => {
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
    [429, {}, { 'retry-after': '3' }, 3_000],
    [477, {}, { 'retry-after': '120' }, 120_000],
    [503, {}, { 'retry-after': '7' }, 7_000],
    [401, {}, {}, 60_000],
    [403, { category: 'MISSING_SCOPES' }, {}, 60_000],
    [400, { category: 'PROPERTY_DOESNT_EXIST' }, {}, 60_000],
  ])(
    'holds events for as long as a %i %j asks for, and sends nothing meanwhile',
    async (status, body, headers, waitMs) => {
      await using crm = await startFakeHubspot(() => Response.json(body, { status, headers }))
      const [first, second] = await arrive(updateOf(1), updateOf(2))
      if (first === undefined || second === undefined) throw new Error('two events were recorded')
      const before = Date.now()
      const outcome = (await createHandle(crm)([first], never)).get(first.id)
      expect(outcome).toMatchObject({ status: 'hold' })
      const notBefore = outcome?.status === 'hold' ? (outcome.notBefore ?? 0) : 0
      expect(notBefore).toBeGreaterThanOrEqual(before + waitMs)
      expect(notBefore).toBeLessThanOrEqual(Date.now() + waitMs)
      expect(JSON.stringify(outcome)).not.toContain('pat-secret')
      const other = (await createHandle(crm)([second], never)).get(second.id)
      expect(other).toMatchObject({ status: 'hold', reason: outcome?.status === 'hold' ? outcome.reason : '' })
      expect(crm.requests).toHaveLength(1)
    },
  )

  it.each([503, 504, 423])('retries by its own policy after a %i without Retry-After', async (status) => {
    await using crm = await startFakeHubspot(() => new Response('busy', { status }))
    expect([...(await createHandle(crm)(await arrive(updateOf(1)), never)).values()]).toEqual([
      { status: 'retry', reason: `HubSpot answered ${status}: busy` },
    ])
  })

  it('lets one worker retry once the wait is over, and all others after it', async () => {
    let isRevoked = true
    const { promise: gate, resolve: answer } = Promise.withResolvers<void>()
    await using crm = await startFakeHubspot(async (_inputs, _request, write) => {
      if (isRevoked) return Response.json({}, { status: 401 })
      await gate
      return write()
    })
    const [first, second] = await arrive(updateOf(1), updateOf(2))
    if (first === undefined || second === undefined) throw new Error('two events were recorded')
    await createHandle(crm)([first], never)
    isRevoked = false
    await waitIsOver(store)
    const trying = createHandle(crm)([first], never)
    await expect.poll(() => crm.requests.length).toBe(2)
    const handle = createHandle(crm)
    expect([...(await handle([second], never)).values()]).toMatchObject([{ status: 'hold' }])
    answer()
    expect([...(await trying).values()]).toEqual([done()])
    expect([...(await handle([second], never)).values()]).toEqual([done()])
    expect(crm.requests).toHaveLength(3)
  })

  it('logs once what is wrong with an account, and once when it answers again', async () => {
    let isRevoked = true
    await using crm = await startFakeHubspot((_inputs, _request, write) =>
      isRevoked ? Response.json({ message: 'expired' }, { status: 401 }) : write(),
    )
    const lines: unknown[] = []
    const log = createLogger('test', 'info', { write: (line) => lines.push(JSON.parse(line)) })
    const events = await arrive(updateOf(1))
    const run = async () => crmSync.create(readSettings(crm), { ...handlerDeps(store.db), log })(events, never)
    for (let times = 0; times < 3; times += 1) {
      await run()
      await waitIsOver(store)
    }
    isRevoked = false
    await run()
    expect(lines).toMatchObject([
      { msg: 'peer refuses: its events are held', reason: expect.stringContaining('check HUBSPOT_ACCESS_TOKEN') },
      { msg: 'peer answers again: its held events are released', refusals: 3 },
    ])
  })

  describe('with a contract peer', () => {
    const run = async (
      crm: Pick<FakeHubspot, 'url'>,
      events: readonly MailboxEvent[],
      more: NodeJS.ProcessEnv = {},
    ) => {
      const outcomes = await crmSync.create(readSettings(crm, false, more), handlerDeps(store.db))(events, never)
      return events.map(({ id }) => outcomes.get(id))
    }

    it('leaves a mailbox without a contact alone in update-only mode, and says so', async () => {
      await using crm = await startContractHubspot()
      crm.seed('m2@b.example', {})
      expect(await run(crm, await arrive(updateOf(1), updateOf(2)), { CRM_MODE: 'update-only' })).toEqual([
        done('HubSpot has no contact with this address'),
        done(),
      ])
      expect(crm.count()).toBe(1)
      expect(crm.contact('m2@b.example')).toMatchObject({ mailivery_warmup_status: 'active' })
    })

    it.each([
      ['mark', 'removed'],
      ['leave', 'active'],
      ['archive', undefined],
    ])('deals with a deleted mailbox as told: %s', async (onDelete, status) => {
      await using crm = await startContractHubspot()
      await run(crm, await arrive(updateOf(1)), { CRM_ON_DELETE: onDelete })
      await run(crm, await arrive(deleteOf(1, 'm1@b.example')), { CRM_ON_DELETE: onDelete })
      expect(crm.contact('m1@b.example')?.['mailivery_warmup_status']).toBe(status)
    })

    it('creates a contact again that was archived, when its mailbox comes back', async () => {
      await using crm = await startContractHubspot()
      const archives = { CRM_ON_DELETE: 'archive' }
      await run(crm, await arrive(updateOf(1)), archives)
      await run(crm, await arrive(deleteOf(1, 'm1@b.example')), archives)
      await run(crm, await arrive({ ...updateOf(1), type: 'campaign.created' }), archives)
      expect(crm.contact('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'active' })
    })

    it('writes the properties of a mapping file', async () => {
      await using crm = await startContractHubspot({ hasProperties: false })
      const directory = await mkdtemp(join(tmpdir(), 'warmhook-mapping-'))
      const file = join(directory, 'mapping.yml')
      await writeFile(file, 'properties: { health: { from: status, values: { paused: Down }, type: text } }')
      try {
        await run(crm, await arrive(problemOf(1)), { CRM_MAPPING_FILE: file })
      } finally {
        await rm(directory, { recursive: true })
      }
      expect(crm.contact('m1@b.example')).toEqual({ email: 'm1@b.example', health: 'Down' })
    })

    it('does nothing for an owner without an account', async () => {
      await using crm = await startContractHubspot()
      const { crm: settings, slackUrl } = readSettings(crm)
      const own = { ...settings, fallback: undefined, byOwner: new Map() }
      const events = await arrive(updateOf(1))
      const outcomes = await crmSync.create({ crm: own, slackUrl }, handlerDeps(store.db))(events, never)
      expect([...outcomes.values()]).toEqual([done('the owner has no CRM account')])
      expect(crm.requests).toEqual([])
    })
  })

  it('announces once in Slack that an account refuses, and not that a call failed', async () => {
    let status = 503
    await using crm = await startFakeHubspot(() => Response.json({ message: 'expired' }, { status }))
    await using slack = await startHttpPeer(() => new Response('ok'))
    const settings = readSettings(crm, false, { SLACK_WEBHOOK_URL: `${slack.url}/services/T0/B0/secret` })
    const events = await arrive(updateOf(1))
    const run = async () => crmSync.create(settings, handlerDeps(store.db))(events, never)
    await run()
    status = 401
    for (let times = 0; times < 3; times += 1) {
      await Promise.all([run(), run()])
      await waitIsOver(store)
    }
    expect(slack.requests).toHaveLength(1)
    expect(slack.requests[0]?.body).toMatch(
      /HubSpot account is unauthorised: .*check HUBSPOT_ACCESS_TOKEN.*none is lost/,
    )
  })

  it('waits longer after each attempt at a peer that is not HubSpot, up to a minute', async () => {
    await using crm = await startFakeHubspot(() => new Response('<html></html>'))
    const events = await arrive(updateOf(1))
    const waits: number[] = []
    for (const passedMs of [0, 30_000, 600_000]) {
      await sql`UPDATE peer_gates SET closed_until = now(), since = now() - ${passedMs} * interval '1 millisecond'`.execute(
        store.db,
      )
      await createHandle(crm)(events, never)
      const { rows } = await sql<{ s: number }>`
        SELECT round(date_part('epoch', closed_until - now()))::float8 AS s FROM peer_gates`.execute(store.db)
      waits.push(rows[0]?.s ?? 0)
    }
    expect(waits).toEqual([1, 30, 60])
  })

  it('retries when the answer is invalid or the connection breaks, and ends with one correct contact', async () => {
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
    for (let run = 0; run < 3; run += 1) {
      statuses.push([...(await handle(events, never)).values()].map(({ status }) => status))
      await waitIsOver(store)
    }
    expect(statuses).toEqual([['hold'], ['retry'], ['done']])
    expect(crm.contacts.get('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'paused' })
  })

  it('writes the previous state again if the state in the CRM is unknown', async () => {
    let isBroken = false
    await using crm = await startFakeHubspot((_inputs, _request, write) => {
      const answer = write()
      if (isBroken) throw new Error('the answer is lost')
      return answer
    })
    const handle = createHandle(crm)
    await handle(await arrive(updateOf(1, 'same@b.example')), never)
    isBroken = true
    const second = await arrive(updateOf(2, 'same@b.example'))
    await handle(second, never)
    isBroken = false
    await handle([...second, ...(await arrive(deleteOf(2, 'same@b.example')))], never)
    expect(crm.contacts.get('same@b.example')).toMatchObject({ mailivery_campaign_id: '1' })
  })

  it('waits briefly for another worker that is writing the contact, then leaves it to the next attempt', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(updateOf(1), updateOf(2))
    const leaseId = randomUUID()
    const contact = { email: 'm1@b.example', owner: 'acme' }
    await leaseContacts(store.db, 'hubspot', [contact], { leaseId, leaseMs: 60_000, isShared: false })
    const outcomes = await createHandle(crm)(events, never)
    expect(events.map(({ id }) => outcomes.get(id)?.status)).toEqual(['retry', 'done'])
    expect(crm.requests).toHaveLength(1)
    const again = createHandle(crm)(events, never)
    await settleContacts(store.db, 'hubspot', leaseId, [{ email: 'm1@b.example', write: 'none' }])
    expect([...(await again).values()].map(({ status }) => status)).toEqual(['done', 'done'])
  })

  it('repeats the write of a worker that died before recording it', async () => {
    await using crm = await startFakeHubspot()
    const events = await arrive(problemOf(1))
    const handle = createHandle(crm)
    await handle(events, never)
    await store.db
      .updateTable('crm_sync')
      .set({ lease_id: randomUUID(), lease_until: new Date(Date.now() - 1_000) })
      .execute()
    expect([...(await handle(events, never)).values()]).toEqual([done()])
    expect([crm.requests.length, crm.contacts.size]).toEqual([2, 1])
  })

  it('corrects a write that another worker made after its lease had expired', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let calls = 0
    await using crm = await startFakeHubspot(async (_inputs, _request, write) => {
      calls += 1
      if (calls === 1) await gate
      return write()
    })
    const handle = createHandle(crm)
    const first = await arrive(problemOf(1))
    const slow = handle(first, never)
    await expect.poll(() => calls).toBe(1)
    await store.db
      .updateTable('crm_sync')
      .set({ lease_until: new Date(Date.now() - 1_000) })
      .execute()
    await handle(await arrive(updateOf(1)), never)
    open()
    expect([...(await slow).values()].map(({ status }) => status)).toEqual(['retry'])
    expect(crm.contacts.get('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'paused' })
    await handle(first, never)
    expect(crm.contacts.get('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'active' })
  })

  it('does not change the contact of a deleted campaign, whatever is sent, until it is active again', async () => {
    await using crm = await startFakeHubspot()
    const handle = createHandle(crm)
    await handle(await arrive(updateOf(1), deleteOf(1, 'm1@b.example')), never)
    const later = [updateOf(1), updateOf(1, 'moved@b.example'), problemOf(1), deleteOf(1, 'm1@b.example')]
    for (const event of await arrive(...later))
      expect([...(await handle([event], never)).values()]).toEqual([done('the CRM already has this state')])
    expect(crm.requests).toHaveLength(1)
    expect([...crm.contacts.values()]).toMatchObject([
      { mailivery_warmup_status: 'removed', mailivery_paused_since: '' },
    ])
    await handle(await arrive({ ...updateOf(1), type: 'campaign.created' }), never)
    expect(crm.contacts.get('m1@b.example')).toMatchObject({ mailivery_warmup_status: 'active' })
  })

  it('prefers an active mailbox to a deleted one with the same address, in either order', async () => {
    await using crm = await startFakeHubspot()
    const handle = createHandle(crm)
    const [created, deleted] = await arrive(updateOf(2, 'same@b.example'), deleteOf(1, 'same@b.example'))
    if (created === undefined || deleted === undefined) throw new Error('two events were recorded')
    const shown = () => crm.contacts.get('same@b.example')
    await handle([deleted], never)
    expect(shown()).toMatchObject({ mailivery_warmup_status: 'removed', mailivery_campaign_id: '1' })
    await handle([created], never)
    expect(shown()).toMatchObject({ mailivery_warmup_status: 'active', mailivery_campaign_id: '2' })
    await handle([deleted], never)
    expect(shown()).toMatchObject({ mailivery_warmup_status: 'active', mailivery_campaign_id: '2' })
    await handle(await arrive(deleteOf(2, 'same@b.example')), never)
    expect(shown()).toMatchObject({ mailivery_warmup_status: 'removed', mailivery_campaign_id: '2' })
  })

  describe('with two owners in one account', () => {
    const other = (body: object) => toRouted({ ...envelope(body), owner: 'other' })
    const record = async (...events: ReturnType<typeof other>[]) => {
      await recordBatch(store.db, { id: randomUUID(), isReplay: false, events, refused: [], dedupeWindowMs: 0 })
      return events.map(({ event }) => event)
    }
    const kept = done('the contact with this address belongs to another owner (CRM_SHARED_BY_OWNERS)')

    it.each([
      ['a problem', problemOf(1, 'A@b.example')],
      ['an update', updateOf(1, ' a@B.example ')],
      ['a deletion', deleteOf(1, 'a@b.example')],
      ["another campaign's update", updateOf(7, 'a@b.example')],
    ])("leaves one owner's contact alone, whatever %s of another says", async (_what, body) => {
      await using crm = await startFakeHubspot()
      const handle = createHandle(crm)
      await handle(await arrive(problemOf(1, 'a@b.example')), never)
      const before = crm.contacts.get('a@b.example')
      const late = await record(other(body))
      expect([...(await handle(late, never)).values()]).toEqual([kept])
      expect(crm.contacts.get('a@b.example')).toEqual(before)
      // The owner's next event does not write the other owner's state.
      await handle(await arrive(updateOf(1, 'a@b.example')), never)
      expect(crm.contacts.get('a@b.example')).toMatchObject({ mailivery_warmup_status: 'active' })
      expect(crm.contacts.get('a@b.example')?.['mailivery_campaign_id']).toBe('1')
    })

    it('separates them within one batch too, and after the first one has deleted its mailbox', async () => {
      await using crm = await startFakeHubspot()
      const handle = createHandle(crm)
      await handle(await arrive(problemOf(1, 'a@b.example')), never)
      const [theirs] = await record(other(updateOf(2, 'a@b.example')))
      const [own] = await arrive(deleteOf(1, 'a@b.example'))
      if (theirs === undefined || own === undefined) throw new Error('two events were recorded')
      const outcomes = await handle([theirs, own], never)
      expect([outcomes.get(theirs.id), outcomes.get(own.id)]).toEqual([kept, done()])
      expect(crm.contacts.get('a@b.example')).toMatchObject({ mailivery_warmup_status: 'removed' })
      expect([...(await handle([theirs], never)).values()]).toEqual([kept])
    })

    it('gives a contact to one owner if another requests it at the same time', async () => {
      await using crm = await startFakeHubspot()
      const events = [
        ...(await arrive(problemOf(1, 'a@b.example'))),
        ...(await record(other(updateOf(2, 'a@b.example')))),
      ]
      const outcomes = await createHandle(crm)(events, never)
      expect(events.map(({ id }) => outcomes.get(id))).toEqual([done(), kept])
      expect(crm.contacts.get('a@b.example')).toMatchObject({ mailivery_campaign_id: '1' })
    })

    it('passes a contact on when its owner no longer has a mailbox with that address', async () => {
      await using crm = await startFakeHubspot()
      const handle = createHandle(crm)
      await handle(await arrive(problemOf(1, 'mistyped@b.example')), never)
      await handle(await arrive(updateOf(1, 'right@b.example')), never)
      const theirs = await record(other(updateOf(2, 'mistyped@b.example')))
      expect([...(await handle(theirs, never)).values()]).toEqual([done()])
      expect(crm.contacts.get('mistyped@b.example')).toMatchObject({ mailivery_campaign_id: '2' })
    })

    it('shows the latest mailbox of any owner if they share contacts, with one writer at a time', async () => {
      await using crm = await startFakeHubspot()
      const [old] = await arrive(problemOf(1, 'a@b.example'))
      const [late] = await record(other(updateOf(2, 'a@b.example')))
      if (old === undefined || late === undefined) throw new Error('two events were recorded')
      const handle = createHandle(crm, true)
      await handle([late], never)
      const outcomes = await handle([old, late], never)
      expect([...outcomes.values()].map(({ status }) => status)).toEqual(['done', 'done'])
      expect(crm.requests).toHaveLength(1)
      expect(crm.contacts.get('a@b.example')).toMatchObject({ mailivery_campaign_id: '2' })
    })
  })

  it('writes changes of a late event with another address to the current address', async () => {
    await using crm = await startFakeHubspot()
    const [early, late] = [
      toRouted(envelope(problemOf(1, 'old@b.example'))),
      toRouted(envelope(problemOf(1, 'new@b.example'))),
    ]
    const handle = createHandle(crm)
    for (const routed of [late, early]) {
      const batch = { isReplay: false, events: [routed], refused: [], dedupeWindowMs: 0 }
      await recordBatch(store.db, { id: randomUUID(), ...batch })
      await handle([routed.event], never)
    }
    expect(crm.contacts.get('new@b.example')?.['mailivery_paused_since']).toBe(
      new Date(early.event.receivedAt).toISOString(),
    )
  })

  it.each(['[email protected]', 'nobody', '', `${'x'.repeat(250)}@b.example`, randomBytes(6_000).toString('hex')])(
    'completes events of a mailbox whose address no CRM accepts, and of its neighbours',
    async (email) => {
      await using crm = await startFakeHubspot()
      const events = await arrive(updateOf(1), updateOf(2, email))
      const outcomes = await createHandle(crm)(events, never)
      expect(events.map(({ id }) => outcomes.get(id))).toEqual([
        done(),
        done('the mailbox has no e-mail address that a CRM accepts'),
      ])
    },
  )

  it('accepts only a token that can be sent, and does not reveal an invalid one', () => {
    const read = () => crmSync.parse({ HUBSPOT_ACCESS_TOKEN: 'pat-hidden\nsecond line' })
    expect(read).toThrow(/HUBSPOT_ACCESS_TOKEN contains a line break/)
    expect(read).not.toThrow(/hidden/)
  })

  it('ends in the correct state for any order, repetition, grouping, concurrency and failure', async () => {
    const kinds = { problem: problemOf, update: updateOf, delete: deleteOf } as const
    const history = fc.array(
      fc.record({
        mailbox: fc.nat(2),
        kind: fc.constantFrom('problem', 'update', 'delete'),
      }),
      { minLength: 1, maxLength: 8 },
    )
    await fc.assert(
      fc.asyncProperty(history, fc.array(fc.nat(4), { maxLength: 12 }), fc.gen(), async (entries, faults, gen) => {
        const fault = faults[Symbol.iterator]()
        await using crm = await startFakeHubspot((_inputs, _request, write) => {
          const kind = fault.next().value ?? 0
          if (kind === 1) return new Response('busy', { status: 503 })
          if (kind === 2) return Response.json({ status: 'COMPLETE', results: [] })
          const answer = write()
          if (kind === 3) throw new Error('the connection breaks')
          return kind === 4 ? new Response('lost', { status: 502 }) : answer
        })
        const prefix = randomUUID()
        // Mailboxes 1 and 2 share an address.
        const addressOf = (mailbox: number) => `${prefix}-${Math.min(mailbox, 1)}@b.example`
        const events = await arrive(...entries.map(({ mailbox, kind }) => kinds[kind](mailbox, addressOf(mailbox))))
        const handle = createHandle(crm)
        let waiting: readonly MailboxEvent[] = gen(fc.shuffledSubarray, events, {
          minLength: events.length,
          maxLength: events.length,
        })
        while (waiting.length > 0) {
          await waitIsOver(store)
          const size = gen(fc.integer, { min: 1, max: waiting.length })
          const cut = Array.from({ length: Math.ceil(waiting.length / size) }, (_, index) =>
            waiting.slice(index * size, (index + 1) * size),
          )
          const again = gen(fc.subarray, events)
          const runs = again.length === 0 ? cut : [...cut, again]
          const outcomes = await Promise.all(runs.map((batch) => handle(batch, never)))
          waiting = events.filter(({ id }) =>
            outcomes.some((each) => ['retry', 'hold'].includes(each.get(id)?.status ?? '')),
          )
        }
        expect(Object.fromEntries(crm.contacts)).toEqual(expectedContacts(events))
        for (const table of ['events', 'mailboxes', 'pauses', 'crm_sync'] as const)
          await store.db.deleteFrom(table).execute()
      }),
      { numRuns: 25 },
    )
  })
})

/** What the CRM must show in the end, computed from the whole history. */
function expectedContacts(events: readonly MailboxEvent[]): unknown {
  const states = [...Map.groupBy(events, (event) => event.campaignId)].flatMap(([campaignId, own]) => {
    const { mailbox, pauses } = foldTimeline(emptyTimeline, own)
    return mailbox === null
      ? []
      : [{ campaignId, mailbox, openedAt: pauses.findLast((pause) => pause.closed === null)?.openedAt }]
  })
  const byAddress = Map.groupBy(states, ({ mailbox }) => mailbox.profile.email ?? '')
  return Object.fromEntries(
    [...byAddress].map(([email, sharing]) => {
      const live = sharing.filter(({ mailbox }) => mailbox.status !== 'deleted')
      const shown =
        live.toSorted((a, b) => (a.mailbox.lastEventId < b.mailbox.lastEventId ? 1 : -1))[0] ??
        sharing.toSorted((a, b) => b.mailbox.statusSince - a.mailbox.statusSince)[0]
      if (shown === undefined) throw new Error('a group is never empty')
      const { mailbox, campaignId, openedAt } = shown
      return [
        email,
        {
          email,
          mailivery_warmup_status: mailbox.status === 'deleted' ? 'removed' : mailbox.status,
          mailivery_paused_since: openedAt === undefined ? '' : new Date(openedAt).toISOString(),
          mailivery_pause_reason: mailbox.reason ?? '',
          mailivery_provider: mailbox.profile.provider ?? '',
          mailivery_tags: (mailbox.profile.tags ?? []).join(';'),
          mailivery_campaign_id: String(campaignId),
          mailivery_last_event_at: new Date(
            mailbox.status === 'deleted' ? mailbox.statusSince : mailbox.lastEventAt,
          ).toISOString(),
        },
      ]
    }),
  )
}
