import type { Secret } from '@warmhook/config/secret'

/** What became of a message. */
export type SlackResult =
  | { readonly status: 'sent' }
  | { readonly status: 'retry'; readonly reason: string; readonly notBefore?: number }
  | { readonly status: 'rejected'; readonly reason: string }

const requestTimeoutMs = 10_000
const maxReasonLength = 100

/**
 * Posts a message to a Slack incoming webhook. Slack answers in plain text, with 429 and Retry-After (seconds) above
 * about one message a second. The URL is the credential, so nothing that is returned holds it. Never throws.
 */
export async function postToSlack(
  url: Secret,
  text: string,
  signal: AbortSignal,
  now: () => number,
): Promise<SlackResult> {
  try {
    const response = await fetch(url.reveal(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    })
    if (!response.ok) return toFailure(response, await readStart(response, url), now())
    await response.body?.cancel()
    return { status: 'sent' }
  } catch (error) {
    return { status: 'retry', reason: `Slack did not answer (${nameOf(error)})` }
  }
}

function toFailure({ status, headers }: Response, words: string, now: number): SlackResult {
  const reason = `Slack answered ${status}: ${words}`
  if (status !== 408 && status !== 429 && status < 500) return { status: 'rejected', reason }
  const seconds = Number(headers.get('retry-after') ?? 1)
  return { status: 'retry', reason, notBefore: now + (Number.isFinite(seconds) ? seconds : 1) * 1_000 }
}

/** Slack's errors are a word; what stands before Slack can answer with a page. */
async function readStart({ body }: Response, url: Secret): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  const chunks: AsyncIterable<Uint8Array> | readonly Uint8Array[] = body ?? []
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > 4_096) break
  }
  return text.replaceAll(url.reveal(), '[secret]').replaceAll(/\s+/g, ' ').trim().slice(0, maxReasonLength)
}

/** The system's code or the error's name: its message can hold the URL. */
function nameOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return 'unknown fault'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
