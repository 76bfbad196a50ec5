import { defineHandler } from '../handler.ts'
import { EventType } from '@warmhook/schema/mailbox-event'
import { createPeerClient } from '@warmhook/peer/create-peer-client'
import { announcePauses } from './announce-pauses.ts'
import { createSlackGate } from './create-slack-gate.ts'
import { slackLimits } from './post-to-slack.ts'
import { readSlackUrl } from './read-slack-url.ts'

/** Announces in a Slack channel when pauses open and close. Disabled without SLACK_WEBHOOK_URL. */
export const notify = defineHandler({
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
  parse: readSlackUrl,
  create: (url, { db, fold, log, now }) => {
    const gate = createSlackGate(url, { db, log, now })
    const deps = { db, fold, url, post: createPeerClient(slackLimits), gate, now }
    return (events, signal) => announcePauses(events, signal, deps)
  },
})
