import { expect, it } from 'vitest'
import { MailboxEvent } from './mailbox-event.ts'

const event = {
  id: '0199ac2e-5d00-7abc-8def-0123456789ab',
  source: 'mailivery',
  owner: 'acme',
  receivedAt: 0,
  type: 'campaign.created',
  campaignId: 0,
  profile: {},
}

it('accepts an event of any source and owner, but not without them', () => {
  expect(MailboxEvent.parse(event)).toEqual(event)
  expect(MailboxEvent.parse({ ...event, source: 's', owner: 'o' })).toMatchObject({ source: 's', owner: 'o' })
  for (const wrong of [{ source: '' }, { owner: '' }, { receivedAt: -1 }, { campaignId: -1 }, { campaignId: 0.5 }])
    expect(MailboxEvent.safeParse({ ...event, ...wrong }).success).toBe(false)
})
