import type { Secret } from '@warmhook/config/secret'
import { defineHandler } from '../handler.ts'
import { readMailiveryAccounts, type MailiveryAccounts } from '@warmhook/mailivery/read-mailivery-accounts'
import { sources } from '@warmhook/schema/sources'
import { EventType } from '@warmhook/schema/mailbox-event'
import { createPeerClient } from '@warmhook/peer/create-peer-client'
import { announcePauses } from './announce-pauses.ts'
import { createSlackGate } from './create-slack-gate.ts'
import { slackLimits } from './post-to-slack.ts'
import { readSlackUrl } from './read-slack-url.ts'

interface NotifySettings {
  readonly url: Secret
  /** Whose presumed recoveries are read back. */
  readonly accounts: MailiveryAccounts
}

/** Announces in a Slack channel when pauses open and close. Disabled without SLACK_WEBHOOK_URL. */
export const notify = defineHandler<NotifySettings>({
  name: 'notify',
  subscribes: EventType.options.filter((type) => type !== 'campaign.pending'),
  policy: {
    // One call at a time: events that wait meanwhile are sent in the next message.
    batchMax: 1_000,
    maxCalls: 1,
    overlap: 'any batch',
    attempts: 30,
    firstDelayMs: 1_000,
    maxDelayMs: 900_000,
    timeoutMs: 15_000,
  },
  parse(env) {
    const url = readSlackUrl(env)
    return url && { url, accounts: readMailiveryAccounts(env, [...sources.keys()]) }
  },
  create: ({ url, accounts }, { db, fold, log, now }) => {
    const readsBack = (owner: string): boolean => accounts.has(owner)
    const gate = createSlackGate(url, { db, log, now })
    const deps = { db, fold, url, post: createPeerClient(slackLimits), gate, now, readsBack }
    return (events, signal) => announcePauses(events, signal, deps)
  },
})
