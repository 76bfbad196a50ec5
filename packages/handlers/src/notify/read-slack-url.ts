import { fields } from '@warmhook/config/fields'
import { parseEnv } from '@warmhook/config/parse-env'
import type { Secret } from '@warmhook/config/secret'

/**
 * The incoming webhook of the Slack channel for notifications; undefined if there is none.
 *
 * @throws EnvError
 */
export function readSlackUrl(env: NodeJS.ProcessEnv): Secret | undefined {
  return parseEnv({ SLACK_WEBHOOK_URL: fields.SLACK_WEBHOOK_URL.optional() }, env).SLACK_WEBHOOK_URL
}
