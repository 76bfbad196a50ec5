import type { Secret } from '@warmhook/config/secret'
import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { PeerAnswer, PeerClient } from '@warmhook/peer/create-peer-client'
import type { PeerVerdict } from '@warmhook/peer/create-peer-gate'
import { retryAfterMs } from '@warmhook/peer/retry-after-ms'

/** The result of sending a message. */
export type SlackResult =
  | { readonly status: 'sent' }
  /** Slack may be temporarily down. */
  | { readonly status: 'retry'; readonly reason: string }
  /** Slack rejects this message, but accepts others. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** Slack currently accepts no messages. */
  | { readonly status: 'refused'; readonly refusal: PeerRefusal }

/** Together with the wait for the turn, within the handler's timeout. */
export const slackLimits = { requestMs: 6_000, maxAnswerBytes: 64 * 1024 }

const secondMs = 1_000
const minuteMs = 60 * secondMs
/** Slack's limits are per second; a longer delay than this would be an error. */
const maxWaitMs = 60 * minuteMs
const maxReasonLength = 100

/**
 * Posts a message to a Slack incoming webhook. Slack answers in plain text, with 429 and Retry-After (seconds) above
 * about one message a second. The URL is the credential, so no result contains it. Never throws.
 */
export async function postToSlack(
  url: Secret,
  text: string,
  signal: AbortSignal,
  { post, now }: { readonly post: PeerClient; readonly now: () => number },
): Promise<SlackResult> {
  return toResult(await post({ url: new URL(url.reveal()), body: { text }, signal }), url, now())
}

/** What a result says about the channel. */
export function toVerdict(result: SlackResult): PeerVerdict {
  if (result.status === 'refused') return result.refusal
  return result.status === 'retry' ? 'unknown' : 'answers'
}

function toResult(answer: PeerAnswer, url: Secret, now: number): SlackResult {
  if (answer.status === 'none') return toSilence(answer)
  const { status, headers, body } = answer
  if (status >= 200 && status < 300) return { status: 'sent' }
  const words = toWords(body, url)
  const reason = `Slack answered ${status}: ${words}`
  const askedMs = retryAfterMs(headers, now, maxWaitMs)
  if (status === 429 || (askedMs !== undefined && status >= 500)) {
    const waitMs = askedMs ?? secondMs
    return { status: 'refused', refusal: { cause: 'limited', reason, waitMs, maxWaitMs: waitMs } }
  }
  if (status >= 500 || status === 408 || status === 425) return { status: 'retry', reason }
  if (isOfMessage(status, words)) return { status: 'rejected', reason }
  return refused(
    'misconfigured',
    `${reason} (check SLACK_WEBHOOK_URL: create a new webhook if this one or its channel was deleted)`,
    minuteMs,
  )
}

/**
 * Whether the error concerns the message. All other errors concern the URL, its channel or its workspace: 403
 * `action_prohibited`, 404 `no_service` and `channel_not_found`, 410 `channel_is_archived`, 400 `user_not_found`, or a
 * page from a proxy.
 */
function isOfMessage(status: number, words: string): boolean {
  return status === 413 || ((status === 400 || status === 422) && messageWords.test(words))
}

const messageWords =
  /^(invalid_payload|no_text|msg_too_long|too_many_attachments|invalid_blocks\w*|missing_text\w*|invalid_attachments?)\b/

function toSilence({ fault, isSent }: Extract<PeerAnswer, { status: 'none' }>): SlackResult {
  if (isSent) return { status: 'retry', reason: `Slack did not answer (${fault})` }
  return refused('down', `Slack is unreachable (${fault}; check SLACK_WEBHOOK_URL)`, secondMs)
}

function refused(cause: PeerRefusal['cause'], reason: string, waitMs: number): SlackResult {
  return { status: 'refused', refusal: { cause, reason, waitMs, maxWaitMs: minuteMs } }
}

/** Slack's errors are single words; a proxy can answer with a whole page. */
function toWords(body: string, url: Secret): string {
  return body.replaceAll(url.reveal(), '[secret]').replaceAll(/\s+/g, ' ').trim().slice(0, maxReasonLength)
}
