import { samplePayloads } from '@warmhook/schema/samples'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstallation, type Installation } from './support/start-installation.ts'

interface Page<Item> {
  readonly items: readonly Item[]
}

interface Mailbox {
  readonly campaignId: number
  readonly status: string
  readonly provider: string | null
  readonly reason: string | null
}

interface Pause {
  readonly campaignId: number
  readonly reason: string
  readonly closedAt: string | null
  readonly closedBy: string | null
  readonly presumed: boolean
}

describe('the main job', () => {
  let warmhook: Installation
  beforeAll(async () => {
    warmhook = await startInstallation()
  })
  afterAll(() => warmhook[Symbol.asyncDispose]())

  async function sendAll(bodies: readonly string[]): Promise<number[]> {
    const statuses: number[] = []
    for (const body of bodies) statuses.push((await warmhook.send(body)).status)
    return statuses
  }

  it('accepts the five documented payloads and shows the mailboxes and the pause', async () => {
    expect(await sendAll(Object.values(samplePayloads))).toEqual([202, 202, 202, 202, 202])
    expect(await warmhook.settled(5)).toEqual({
      accepted: 5,
      processed: 5,
      duplicate: 0,
      quarantined: 0,
      dead: 0,
      inFlight: 0,
      missing: 0,
      balanced: true,
    })
    const { items } = await warmhook.api<Page<Mailbox>>('/api/mailboxes')
    const mailboxes = items.map(({ campaignId, status, provider, reason }) => [campaignId, status, provider, reason])
    expect(mailboxes.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [198, 'active', null, null],
      [203, 'active', 'gmail', null],
      [209, 'deleted', 'smtp', null],
      [216, 'pending', 'office', null],
      [218, 'paused', 'smtp', 'Smtp Connection Error'],
    ])
    expect((await warmhook.api<Page<Pause>>('/api/pauses?state=open')).items).toMatchObject([
      { campaignId: 218, reason: 'Smtp Connection Error' },
    ])
  })

  it('counts the same five again as duplicates and changes nothing else', async () => {
    const before = await warmhook.api<Page<Mailbox>>('/api/mailboxes')
    await sendAll(Object.values(samplePayloads))
    expect(await warmhook.settled(10)).toMatchObject({ accepted: 10, processed: 5, duplicate: 5, balanced: true })
    expect(await warmhook.api('/api/mailboxes')).toEqual(before)
    expect((await warmhook.api<Page<Pause>>('/api/pauses')).items).toHaveLength(1)
  })

  it('opens a second pause for a problem equal to the one before the update', async () => {
    const problem = samplePayloads['campaign.connection.problematic']
    const updated = JSON.stringify({
      type: 'campaign.updated',
      action: 'updated',
      account: { campaign_id: 218, email: 'a@b.example' },
    })
    await sendAll([problem, updated, problem])
    // The first problem repeats the previous one; the second comes after the update.
    expect(await warmhook.settled(13)).toMatchObject({ processed: 7, duplicate: 6, balanced: true })
    const { items } = await warmhook.api<Page<Pause>>('/api/pauses')
    expect(
      items.filter(({ campaignId }) => campaignId === 218).map(({ closedBy, presumed }) => [closedBy, presumed]),
    ).toEqual([
      [null, false],
      ['campaign.updated', true],
    ])
    expect(await warmhook.api('/api/mailboxes/default/218')).toMatchObject({ status: 'paused' })
  })
})
