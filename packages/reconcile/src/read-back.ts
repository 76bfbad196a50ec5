import type { MailiveryClient } from '@warmhook/mailivery/create-mailivery-client'
import { discard, done, type Outcome } from '@warmhook/queue/outcome'
import type { MailboxKey } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import { saveReadings } from '@warmhook/store/mailbox-readings/save-readings'
import type { StoredMailbox } from '@warmhook/store/mailboxes/read-mailboxes'
import { compareCampaign } from './compare-campaign.ts'
import { toOutcome } from './to-outcome.ts'
import { sendReadings, type AddToIntake } from './send-readings.ts'

export interface ReadBackDeps {
  readonly db: Database
  readonly client: Pick<MailiveryClient, 'getCampaign'>
  readonly add: AddToIntake
  readonly now: () => number
}

/** Reads a mailbox's campaign, and sends what it shows as a reading. `cause` names what asked for it. */
export async function readBack(stored: StoredMailbox, cause: string, deps: ReadBackDeps): Promise<Outcome> {
  const { owner, campaignId }: MailboxKey = stored.key
  // Not before the event that it is to prove, even if this machine's clock is behind.
  const startedAt = Math.max(deps.now(), (stored.timeline.mailbox?.lastEventAt ?? 0) + 1)
  const answer = await deps.client.getCampaign(campaignId)
  switch (answer.status) {
    case 'ok': {
      const campaign = answer.value
      const { correction, finding } = compareCampaign(campaign, stored, { run: cause, startedAt, mayAdd: false })
      await sendReadings(owner, correction === undefined ? [] : [correction], deps.add)
      await saveReadings(deps.db, [{ owner, campaignId, statusCode: campaign.statusCode }], startedAt)
      return done(`read back: ${finding === 'opened' ? 'still paused' : (campaign.statusCode ?? 'no status')}`)
    }
    case 'not found':
      return done('read back: Mailivery does not know the campaign')
    case 'limited':
    case 'unauthorised':
    case 'unavailable':
      return toOutcome(answer, deps.now())
    case 'malformed':
    case 'rejected':
      return discard(answer.reason)
  }
}
