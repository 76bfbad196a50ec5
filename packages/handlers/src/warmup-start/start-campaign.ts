import type { WarmupRule } from '@warmhook/config/mailivery-fields'
import type { MailiveryClient } from '@warmhook/mailivery/create-mailivery-client'
import { matchWarmupRule } from '@warmhook/mailivery/match-warmup-rule'
import type { MailiveryFailure } from '@warmhook/mailivery/mailivery-result'
import { toMailboxStatus } from '@warmhook/mailivery/to-mailbox-status'
import { done, retry, type Outcome } from '@warmhook/queue/outcome'
import { toOutcome } from '@warmhook/reconcile/to-outcome'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { Database } from '@warmhook/store/database'
import { recordWarmupStart } from '@warmhook/store/warmup-starts/record-warmup-start'
import type { WarmupDecision } from '@warmhook/store/warmup-starts/warmup-start-table'

export interface StartDeps {
  readonly db: Database
  readonly client: Pick<MailiveryClient, 'getCampaign' | 'startWarmup'>
  readonly rule: WarmupRule
  readonly now: () => number
}

/**
 * Starts the warm-up of a pending campaign that the rule expects. Mailivery's own word decides whether it is pending, so
 * that a repeated or late event starts nothing; an unexpected one is recorded for a person.
 */
export async function startCampaign(event: EventRef, { db, client, rule, now }: StartDeps): Promise<Outcome> {
  const decide = async (decision: WarmupDecision, detail: string): Promise<Outcome> => {
    const { owner, campaignId, id: eventId } = event
    await recordWarmupStart(db, { owner, campaignId, eventId, decision, detail, at: now() })
    return done(`${decision}: ${detail}`)
  }
  const read = await client.getCampaign(event.campaignId)
  if (read.status === 'not found') return done('Mailivery does not know the campaign')
  if (read.status !== 'ok') return tryAgain(read, now())
  const status = toMailboxStatus(read.value.statusCode)
  if (status !== 'pending') return done(`not pending any more: ${read.value.statusCode ?? 'no status'}`)
  const match = matchWarmupRule(rule, read.value)
  if (match === undefined) return decide('unexpected', 'matches neither a tag, a domain nor an address of the rule')
  const started = await client.startWarmup(event.campaignId)
  if (started.status === 'ok') return decide('started', match)
  // Mailivery cannot connect to the mailbox: a person has to repair it.
  if (started.status === 'rejected') return decide('rejected', started.reason)
  return tryAgain(started, now())
}

/** Unlike a reading, a start is worth more attempts: nobody else makes up for it. */
function tryAgain(failure: MailiveryFailure, now: number): Outcome {
  return failure.status === 'malformed' || failure.status === 'rejected'
    ? retry(failure.reason)
    : toOutcome(failure, now)
}
