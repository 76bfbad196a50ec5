import { hash } from 'node:crypto'
import { fields } from '@warmhook/config/fields'
import { defineHandler } from '../handler.ts'
import { createPeerClient } from '../peer/create-peer-client.ts'
import { createPeerGate } from '../peer/create-peer-gate.ts'
import { announcePauses } from './announce-pauses.ts'
import { slackLimits } from './post-to-slack.ts'

/** Announces in a Slack channel when pauses open and close. Disabled without SLACK_WEBHOOK_URL. */
export const notify = defineHandler({
  name: 'notify',
  subscribes: ['campaign.created', 'campaign.updated', 'campaign.deleted', 'campaign.connection.problematic'],
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
  env: { SLACK_WEBHOOK_URL: fields.SLACK_WEBHOOK_URL.optional() },
  create: (env, { db, fold, log, now }) => {
    const url = env.SLACK_WEBHOOK_URL
    if (url === undefined) return undefined
    const key = hash('sha256', `slack ${url.reveal()}`)
    const gate = createPeerGate({ key, peer: 'slack', calls: 'in turn', turnMs: 15_000 }, { db, log, now })
    const deps = { db, fold, url, post: createPeerClient(slackLimits), gate, now }
    return (events, signal) => announcePauses(events, signal, deps)
  },
})
