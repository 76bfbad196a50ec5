import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import { retryAfterMs } from '@warmhook/peer/retry-after-ms'
import { vendorText } from '@warmhook/peer/vendor-text'
import { z } from 'zod'
import {
  classifySilence,
  hourMs,
  limited,
  minuteMs,
  misconfigured,
  secondMs,
  unauthorised,
  type AnswerClass,
} from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import { kindOfMessage } from '../kind-of-message.ts'
import { parseBody } from '../parse-body.ts'

const accessHint = 'check PIPEDRIVE_API_TOKEN, and that its user may see and edit all people'
const addressHint = 'check PIPEDRIVE_BASE_URL'
export const fieldHint =
  'run `warmhook crm plan` to see which fields differ, and `warmhook crm apply` to create what is missing'
/** The burst limit counts two seconds. */
const burstMs = 2 * secondMs

const PipedriveProblem = z.object({
  success: z.literal(false),
  error: z.string().catch('no message'),
  error_info: z.string().nullish().catch(undefined),
  code: z.string().nullish().catch(undefined),
})
type PipedriveProblem = z.infer<typeof PipedriveProblem>

/** Classifies an answer that did nothing. Pipedrive documents its errors as `{success: false, error, error_info}`. */
export function classifyPipedriveAnswer(answer: CrmAnswer, now: number): AnswerClass {
  if (typeof answer.status === 'string') return classifySilence(answer, 'Pipedrive', addressHint)
  const { status, headers, body } = answer
  const problem = PipedriveProblem.safeParse(parseBody(body)).data
  const reason = `Pipedrive answered ${status}: ${problem === undefined ? 'not from Pipedrive' : describe(problem)}`
  if (status === 429) return limited(reason, limitMs(headers, now))
  const askedMs = retryAfterMs(headers, now, 24 * hourMs)
  if (status >= 500 || status === 408 || status === 425)
    return askedMs === undefined ? { blames: 'unclear', reason, splits: false } : limited(reason, askedMs)
  if (status === 401 || status === 402) return unauthorised(reason, accessHint)
  // Callers that ignore 429 get a page from the firewall in front of Pipedrive.
  if (status === 403 && problem === undefined) return limited(reason, askedMs ?? minuteMs)
  if (status === 403 && isCapped(problem)) return misconfigured(reason, 'the plan allows no more custom fields')
  if (status === 403) return unauthorised(reason, accessHint)
  // A success of somebody else may be temporary, such as a maintenance page.
  if (problem === undefined) return misconfigured(reason, addressHint, status < 300 ? secondMs : minuteMs)
  if (![400, 409, 413, 422].includes(status)) return misconfigured(reason, addressHint)
  if (isField(problem)) return misconfigured(reason, fieldHint)
  return { blames: 'contact', reason, kind: kindOf(problem), isConflict: status === 409 }
}

/** `x-ratelimit-reset` is in seconds. A used-up day ends at midnight, whose time zone is unknown: look every hour. */
function limitMs(headers: PeerHeaders, now: number): number {
  const askedMs = retryAfterMs(headers, now, 24 * hourMs)
  if (askedMs !== undefined) return askedMs
  if (headers['x-daily-requests-left']?.toString() === '0') return hourMs
  const seconds = Number(headers['x-ratelimit-reset'])
  return seconds > 0 && seconds <= 3_600 ? seconds * secondMs : burstMs
}

function isCapped(problem: PipedriveProblem | undefined): boolean {
  return problem?.code?.startsWith('feature_capping') === true
}

/** All contacts are written with the same fields, so an error in one of these affects all. */
function isField({ error, error_info: info }: PipedriveProblem): boolean {
  return /\bcustom[ _]fields?\b|\bfield\b.{0,100}\b(not found|not exist|unknown|invalid)\b|[0-9a-f]{40}/i.test(
    `${error} ${info ?? ''}`,
  )
}

function describe({ error, error_info: info }: PipedriveProblem): string {
  return vendorText(info === undefined || info === null || info === '' ? error : `${error} (${info})`)
}

/** Without what differs between contacts. */
function kindOf({ error }: PipedriveProblem): string | undefined {
  return /email/i.test(error) ? undefined : kindOfMessage(error)
}
