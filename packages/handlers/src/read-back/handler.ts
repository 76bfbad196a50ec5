import { openMailiveryClients } from '@warmhook/mailivery/open-mailivery-clients'
import { readMailiveryAccounts, type MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { done, hold, type Outcome } from '@warmhook/queue/outcome'
import { isPresumed } from '@warmhook/reconcile/is-presumed'
import { readBack } from '@warmhook/reconcile/read-back'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { sources } from '@warmhook/schema/sources'
import { readMailboxes, type StoredMailbox } from '@warmhook/store/mailboxes/read-mailboxes'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { defineHandler } from '../handler.ts'
import { mailiveryPolicy } from '../mailivery-policy.ts'

/**
 * Asks Mailivery whether a mailbox works again when only an update suggests it. Disabled without an API key.
 */
export const readBackHandler = defineHandler<MailiveryAccounts>({
  name: 'read-back',
  subscribes: ['campaign.updated'],
  policy: mailiveryPolicy,
  parse(env) {
    const accounts = readMailiveryAccounts(env, [...sources.keys()])
    return accounts.size === 0 ? undefined : accounts
  },
  create(accounts, { db, fold, log, redis, prefix, now }) {
    const clients = openMailiveryClients(accounts, { redis, prefix, now })
    const onError = createErrorReporter(log)('redis (read-back)')
    const intake = createBatchProducer(intakeQueue, redis, { prefix, deadlineMs: 5_000, replicas: 0, onError })
    return async (events, signal) => {
      await fold(events)
      const stored = await readMailboxes(db, events)
      const outcomes = new Map<string, Outcome>()
      // One reading per mailbox, however many of its events are here.
      for (const [key, group] of Map.groupBy(events, mailboxKeyOf)) {
        const outcome = await settle(stored.get(key), group[0]?.id ?? key, signal)
        for (const { id } of group) outcomes.set(id, outcome)
      }
      return outcomes
    }

    async function settle(mailbox: StoredMailbox | undefined, cause: string, signal: AbortSignal): Promise<Outcome> {
      const client = clients.get(mailbox?.key.owner ?? '')
      if (mailbox === undefined || client === undefined || !isPresumed(mailbox)) return done()
      if (signal.aborted) return hold('more mailboxes to read back', now())
      return readBack(mailbox, cause, { db, client, add: (job) => intake.add(job), now })
    }
  },
})
