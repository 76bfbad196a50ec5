import { openMailiveryClients, type MailiveryAccounts } from '@warmhook/mailivery/open-mailivery-clients'
import { readMailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { createBatchProducer } from '@warmhook/queue/batch-producer'
import { intakeQueue } from '@warmhook/queue/catalog'
import { done, hold, type Outcome } from '@warmhook/queue/outcome'
import { isPresumed, readBack } from '@warmhook/reconcile/read-back'
import { mailboxKeyOf } from '@warmhook/schema/mailbox-event'
import { sources } from '@warmhook/schema/sources'
import { readMailboxes } from '@warmhook/store/mailboxes/read-mailboxes'
import { createErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { defineHandler } from '../handler.ts'

/**
 * Asks Mailivery whether a mailbox works again when only an update suggests it. Disabled without an API key.
 */
export const readBackHandler = defineHandler<MailiveryAccounts>({
  name: 'read-back',
  subscribes: ['campaign.updated'],
  policy: {
    batchMax: 100,
    maxCalls: 1,
    overlap: 'any batch',
    attempts: 30,
    firstDelayMs: 1_000,
    maxDelayMs: 900_000,
    timeoutMs: 20_000,
  },
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
        const mailbox = stored.get(key)
        const client = clients.get(mailbox?.key.owner ?? '')
        const [first] = group
        const outcome =
          mailbox === undefined || client === undefined || first === undefined || !isPresumed(mailbox)
            ? done()
            : signal.aborted
              ? hold('more mailboxes to read back', now())
              : await readBack(mailbox, first.id, { db, client, add: (job) => intake.add(job), now })
        for (const { id } of group) outcomes.set(id, outcome)
      }
      return outcomes
    }
  },
})
