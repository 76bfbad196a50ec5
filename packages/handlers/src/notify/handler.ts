import { fields } from '@warmhook/config/fields'
import { defineHandler } from '../handler.ts'
import { announcePauses } from './announce-pauses.ts'

/** Tells a Slack channel of pauses that open and close. Off without SLACK_WEBHOOK_URL. */
export const notify = defineHandler({
  name: 'notify',
  subscribes: ['campaign.created', 'campaign.updated', 'campaign.deleted', 'campaign.connection.problematic'],
  policy: {
    batchMax: 100,
    overlap: 'any batch',
    attempts: 30,
    firstDelayMs: 1_000,
    maxDelayMs: 900_000,
    timeoutMs: 15_000,
  },
  env: {
    SLACK_WEBHOOK_URL: fields.SLACK_WEBHOOK_URL.refine(
      (url) => /^https?:/.test(url.reveal()) && URL.canParse(url.reveal()),
      'must be a URL such as https://hooks.slack.com/services/…',
    ).optional(),
  },
  create: (env, { db, fold, now }) => {
    const url = env.SLACK_WEBHOOK_URL
    return url === undefined ? undefined : (events, signal) => announcePauses(events, signal, { db, fold, url, now })
  },
})
