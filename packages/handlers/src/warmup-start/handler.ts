import { openMailiveryClients } from '@warmhook/mailivery/open-mailivery-clients'
import { readMailiveryAccounts, type MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { done, hold, type Outcome } from '@warmhook/queue/outcome'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { sources } from '@warmhook/schema/sources'
import { readMailboxes } from '@warmhook/store/mailboxes/read-mailboxes'
import { defineHandler } from '../handler.ts'
import { mailiveryPolicy } from '../mailivery-policy.ts'
import { startCampaign } from './start-campaign.ts'

/**
 * Starts the warm-up of pending campaigns, which wait for it. Disabled unless an owner has an API key and a rule that
 * says which campaigns are expected.
 */
export const warmupStart = defineHandler<MailiveryAccounts>({
  name: 'warmup-start',
  subscribes: ['campaign.pending', 'mailbox.reconciled'],
  policy: mailiveryPolicy,
  parse(env) {
    const accounts = readMailiveryAccounts(env, [...sources.keys()])
    const withRule = new Map([...accounts].filter(([, { startWarmup }]) => startWarmup !== undefined))
    return withRule.size === 0 ? undefined : withRule
  },
  create(accounts, { db, fold, redis, prefix, now }) {
    const clients = openMailiveryClients(accounts, { redis, prefix, now })
    return async (events, signal) => {
      await fold(events)
      const stored = await readMailboxes(db, events)
      const outcomes = new Map<string, Outcome>()
      for (const event of events) {
        const isPending = stored.get(mailboxKeyOf(event))?.timeline.mailbox?.status === 'pending'
        const [client, rule] = [clients.get(event.owner), accounts.get(event.owner)?.startWarmup]
        if (!isPending || client === undefined || rule === undefined) outcomes.set(event.id, done())
        else if (signal.aborted) outcomes.set(event.id, hold('more campaigns to start', now()))
        else outcomes.set(event.id, await startCampaign(event, { db, client, rule, now }))
      }
      return outcomes
    }
  },
})
