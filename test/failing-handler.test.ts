import { startFakeHubspot } from '@warmhook/testing/start-fake-hubspot'
import { eventually } from '@warmhook/testing/eventually'
import { describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

interface Delivery {
  readonly handler: string
  readonly status: string
  readonly attempts: number
}

interface Page<Item> {
  readonly items: readonly Item[]
}

function update(campaignId: number): string {
  return JSON.stringify({
    type: 'campaign.updated',
    account: { campaign_id: campaignId, email: `m${campaignId}@b.example` },
  })
}

async function crmDelivery(warmhook: Installation, id: string): Promise<Delivery | undefined> {
  const { deliveries } = await warmhook.api<{ deliveries: readonly Delivery[] }>(`/api/events/${id}`)
  return deliveries.find(({ handler }) => handler === 'crm-sync')
}

describe('a handler', () => {
  it('that fails twice and then succeeds makes three attempts and has one effect', async () => {
    let calls = 0
    await using crm = await startFakeHubspot((_inputs, _request, write) =>
      ++calls < 3 ? new Response('busy', { status: 503 }) : write(),
    )
    await using warmhook = await startInstallation({ HUBSPOT_ACCESS_TOKEN: 'pat-test', HUBSPOT_BASE_URL: crm.url })
    const { id } = (await (await warmhook.send(update(1))).json()) as { id: string }
    await warmhook.settled(1)
    expect(await crmDelivery(warmhook, id)).toMatchObject({ status: 'done', attempts: 3 })
    expect(crm.contacts.size).toBe(1)
    expect(calls).toBe(3)
  })

  it('that permanently rejects one of fifty events leaves 49 done and one dead letter to replay', async () => {
    let isMended = false
    await using crm = await startFakeHubspot((inputs, _request, write) =>
      !isMended && inputs.some(({ id }) => id === 'm17@b.example')
        ? Response.json({ category: 'VALIDATION_ERROR', message: 'no such option' }, { status: 400 })
        : write(),
    )
    await using warmhook = await startInstallation({ HUBSPOT_ACCESS_TOKEN: 'pat-test', HUBSPOT_BASE_URL: crm.url })
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => warmhook.send(update(index))))
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    expect(await warmhook.settled(50)).toMatchObject({ processed: 49, dead: 1, balanced: true })
    expect(crm.contacts.size).toBe(49)
    const { items: dead } = await warmhook.api<Page<{ id: string; campaignId: number }>>('/api/events?status=dead')
    expect(dead.map(({ campaignId }) => campaignId)).toEqual([17])
    expect(await crmStatus(warmhook)).toMatchObject({ dead: 1, failing: 0, enabled: true, workers: 1 })
    const order = { filter: { status: 'dead' } }
    // An event that fails again becomes a dead letter again, and only one.
    await warmhook.post('/api/replays', order)
    await eventually(async () =>
      expect(await crmDelivery(warmhook, dead[0]?.id ?? '')).toMatchObject({ status: 'dead', attempts: 2 }),
    )
    await eventually(async () => expect(await failedJobs(warmhook)).toBe(1))
    isMended = true
    expect(await warmhook.post('/api/replays', { ...order, dryRun: true })).toEqual({ matched: 1, enqueued: 1 })
    expect(await warmhook.post('/api/replays', order)).toEqual({ matched: 1, enqueued: 1 })
    await eventually(async () => expect(await warmhook.api('/api/ledger')).toMatchObject({ processed: 50, dead: 0 }))
    expect(crm.contacts.size).toBe(50)
    expect(await crmDelivery(warmhook, dead[0]?.id ?? '')).toMatchObject({ status: 'done', attempts: 3 })
    expect(await crmStatus(warmhook)).toMatchObject({ dead: 0, failing: 0 })
    expect(await failedJobs(warmhook)).toBe(0)
    await eventually(async () => expect((await crmStatus(warmhook))?.ratePerMinute).toBeGreaterThanOrEqual(51))
  })
})

interface HandlerStatus {
  readonly name: string
  readonly dead: number
  readonly ratePerMinute: number
}

async function crmStatus(warmhook: Installation): Promise<HandlerStatus | undefined> {
  const { items } = await warmhook.api<Page<HandlerStatus>>('/api/handlers')
  return items.find(({ name }) => name === 'crm-sync')
}

/** The number of failed jobs according to Bull Board. */
async function failedJobs(warmhook: Installation): Promise<number | undefined> {
  const { queues } = await warmhook.api<{ queues: readonly { name: string; counts: { failed: number } }[] }>(
    '/queues/api/queues',
  )
  return queues.find(({ name }) => name === 'crm-sync')?.counts.failed
}

describe('an invalid webhook', () => {
  it('is accepted, quarantined byte for byte with the reasons, and quarantined again after a replay', async () => {
    await using warmhook = await startInstallation()
    const bodies: readonly (readonly [string, Buffer])[] = [
      ['not JSON', Buffer.from('hello')],
      ['not UTF-8', Buffer.from('{"first_name":"Andr\xe9"}', 'latin1')],
      ['invalid: payload', Buffer.from('[1,2]')],
      ['unhandled type: campaign.odd', Buffer.from('{"type":"campaign.odd"}')],
      ['invalid: account', Buffer.from('{"type":"campaign.updated"}')],
      ['invalid: account.campaign_id', Buffer.from('{"type":"campaign.updated","account":{"campaign_id":"abc"}}')],
    ]
    for (const [, body] of bodies) expect((await warmhook.send(new Uint8Array(body))).status).toBe(202)
    expect((await warmhook.send('{"type":"campaign.updated","account":{"campaign_id":"218"}}')).status).toBe(202)
    expect(await warmhook.settled(7)).toMatchObject({ processed: 1, quarantined: 6, balanced: true })
    for (const [issue, body] of bodies) {
      const { items } = await warmhook.api<Page<{ raw: string; encoding: BufferEncoding; issues: unknown[] }>>(
        `/api/quarantine?issue=${encodeURIComponent(issue)}`,
      )
      expect(items.map(({ raw, encoding }) => Buffer.from(raw, encoding).equals(body))).toEqual([true])
      expect(items[0]?.issues.length).toBeGreaterThan(0)
    }
    expect(await warmhook.api('/api/mailboxes/default/218')).toMatchObject({ status: 'active' })
    expect(await warmhook.post('/api/quarantine/replay', { filter: {} })).toEqual({ matched: 6, enqueued: 6 })
    await eventually(async () =>
      expect(await warmhook.api('/api/ledger')).toMatchObject({
        accepted: 7,
        quarantined: 6,
        inFlight: 0,
        balanced: true,
      }),
    )
  })
})
