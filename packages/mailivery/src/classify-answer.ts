import type { PeerAnswer } from '@warmhook/peer/create-peer-client'
import { toMalformed, toOk, type MailiveryFailure, type MailiveryResult } from './mailivery-result.ts'

/** The JSON object in an answer. */
export type Payload = Readonly<Record<string, unknown>>

export type AnswerResult =
  | MailiveryResult<Payload>
  /** Mailivery refused the call for a limit; `code` says which. */
  | { readonly status: 'too many'; readonly reason: string; readonly code: string | null }

const maxCode = 64
const urlHint = 'check MAILIVERY_BASE_URL'
const keyHint = 'check MAILIVERY_API_KEY'

/**
 * Reads an answer of Mailivery: its JSON object, or what is wrong with it.
 *
 * @param clean shortens Mailivery's text, and removes what must not be logged
 */
export function classifyAnswer(answer: PeerAnswer, clean: (text: string) => string): AnswerResult {
  if (answer.status === 'none') return classifySilence(answer)
  const { status, body } = answer
  const payload = parseObject(body)
  const code = readText(payload?.['code'], clean)?.slice(0, maxCode) ?? null
  const said = [code, readText(payload?.['message'], clean)].filter((text) => text).join(' ')
  const reason = `Mailivery answered ${status}${said === '' ? '' : `: ${said}`}`
  if (status === 401 || status === 403) return { status: 'unauthorised', reason: `${reason} (${keyHint})` }
  if (status === 429) return { status: 'too many', reason, code }
  if (status >= 500 || status === 408) return { status: 'unavailable', reason, isSent: true }
  if (status === 204) return toOk({})
  if (status < 200 || (status >= 300 && status < 400)) return toMalformed(`${reason} (${urlHint})`)
  if (payload === undefined) return toMalformed(`${reason}, but not with a JSON object (${urlHint})`)
  if (status >= 400) return { status: 'rejected', reason, httpStatus: status, code }
  return payload['success'] === false ? toMalformed(`${reason}, but without success`) : toOk(payload)
}

function classifySilence({ fault, isSent }: Extract<PeerAnswer, { status: 'none' }>): MailiveryFailure {
  // The client's error for an answer above its limit.
  if (fault === 'RangeError') return toMalformed('Mailivery sent an answer that is too long')
  const what = isSent ? 'did not answer' : 'is unreachable'
  return { status: 'unavailable', reason: `Mailivery ${what}: ${fault}`, isSent }
}

function readText(value: unknown, clean: (text: string) => string): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? clean(value) : undefined
}

function parseObject(body: string): Payload | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
