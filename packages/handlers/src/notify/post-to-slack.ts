import type { Secret } from '@warmhook/config/secret'

/** What became of a message. */
export type SlackResult =
  | { readonly status: 'sent' }
  | { readonly status: 'retry'; readonly reason: string; readonly notBefore?: number }
  | { readonly status: 'rejected'; readonly reason: string }

const requestTimeoutMs = 10_000

/**
 * Posts a message to a Slack incoming webhook. Slack answers in plain text, with 429 and Retry-After (seconds) above
 * about one message a second. The URL is the credential, so nothing that is returned holds it.
 */
export async function postToSlack(
  url: Secret,
  text: string,
  signal: AbortSignal,
  now: () => number,
): Promise<SlackResult> {
  let response: Response
  try {
    response = await fetch(url.reveal(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    })
  } catch (error) {
    // A fetch error's own text can hold the URL.
    return {
      status: 'retry',
      reason: `Slack did not answer (${error instanceof Error ? error.name : 'unknown fault'})`,
    }
  }
  if (response.ok) {
    await response.body?.cancel()
    return { status: 'sent' }
  }
  const reason = `Slack answered ${response.status}: ${(await response.text()).slice(0, 100)}`
  if (response.status !== 429 && response.status < 500) return { status: 'rejected', reason }
  const seconds = Number(response.headers.get('retry-after') ?? 1)
  return { status: 'retry', reason, notBefore: now() + (Number.isFinite(seconds) ? seconds : 1) * 1_000 }
}
