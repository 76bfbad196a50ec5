import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import { retryAfterMs } from '@warmhook/peer/retry-after-ms'
import {
  classifySilence,
  dayMs,
  hourMs,
  limited,
  minuteMs,
  misconfigured,
  propertyHint,
  secondMs,
  unauthorised,
  unclear,
  type AnswerClass,
} from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import { kindOfMessage } from '../kind-of-message.ts'
import { readProblem, type Problem } from './read-problem.ts'

/** The window of Pipedrive's burst limit. */
const burstMs = 2 * secondMs

const accessHint = 'check PIPEDRIVE_API_TOKEN, the permissions of its user, and that the account is open'
const cappingHint = "the plan's limit is reached: delete what is not needed in Pipedrive, or upgrade the plan"
/** For answers that are not those of Pipedrive's API. */
export const addressHint = 'check PIPEDRIVE_BASE_URL, such as https://company.pipedrive.com/api/v2'

/** Classifies an answer that did not succeed. The statuses follow Pipedrive's list of HTTP status codes. */
export function classifyAnswer(answer: CrmAnswer, now: number): AnswerClass {
  if (typeof answer.status === 'string') return classifySilence(answer, 'Pipedrive', addressHint)
  const { status, headers } = answer
  const problem = readProblem(answer.body)
  const reason = `Pipedrive answered ${status}: ${problem.summary}`
  const askedMs = retryAfterMs(headers, now, dayMs)
  if (status === 429) return limited(reason, limitMs(headers, problem, now))
  if (/^feature_capping/i.test(problem.code)) return misconfigured(reason, cappingHint)
  // Cloudflare's page, for a client that went on after many 429s.
  if (status === 403 && !problem.isPipedrives) return limited(reason, Math.max(askedMs ?? 0, minuteMs))
  if ([401, 402, 403].includes(status)) return unauthorised(reason, accessHint)
  if (status !== 501 && (status >= 500 || status === 408 || status === 425))
    return askedMs === undefined ? unclear(reason) : limited(reason, askedMs)
  if (problem.isPipedrives && (status < 300 || [400, 409, 413, 422].includes(status)))
    return classifyProblem(problem, reason, status === 409)
  // A success that is not Pipedrive's is perhaps only temporary.
  return status < 300 ? misconfigured(reason, addressHint, secondMs) : misconfigured(reason, addressHint)
}

function classifyProblem({ code, message }: Problem, reason: string, isConflict: boolean): AnswerClass {
  // All contacts are written with the same fields: one that is unknown affects all.
  if (fieldCode.test(message) && unknownWords.test(message)) return misconfigured(reason, propertyHint)
  return { blames: 'contact', reason, kind: kindOf(code, message), isConflict }
}

const fieldCode = /\b[0-9a-f]{40}\b/
const unknownWords = /\bnot allowed\b|\bunknown\b|\bnot found\b|\b(does not|doesn't) exist\b|\bunrecogni[sz]ed\b/i

/** Code and message without the parts that differ between contacts; undefined if it is about the address. */
function kindOf(code: string, message: string): string | undefined {
  if (/\be-?mails?\b/i.test(message)) return undefined
  return `${code} ${kindOfMessage(message.replaceAll(/'[^']*'/g, '…'))}`
}

function limitMs(headers: PeerHeaders, { message }: Problem, now: number): number {
  // The daily budget returns at midnight in the server's time zone, which is unknown.
  if (isDayUsedUp(headers) || /\bdaily\b/i.test(message)) return Math.min(dayMs - (now % dayMs), hourMs)
  const resetMs = Number(headers['x-ratelimit-reset']) * secondMs
  const isReset = resetMs > 0 && resetMs <= hourMs
  return retryAfterMs(headers, now, dayMs) ?? (isReset ? Math.max(resetMs, secondMs) : burstMs)
}

function isDayUsedUp(headers: PeerHeaders): boolean {
  const left = headers['x-daily-ratelimit-token-remaining']?.toString().trim() ?? ''
  return /^-?\d+$/.test(left) && Number(left) <= 0
}
