import { retryAfterMs } from '@warmhook/peer/retry-after-ms'
import {
  classifySilence,
  dayMs,
  limited,
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

const accessHint =
  'check ATTIO_API_KEY, its scopes record_permission:read-write and object_configuration:read-write, and the plan'
const addressHint = 'check ATTIO_BASE_URL, and that the people object is enabled'
const proxyHint = 'check whether a proxy or firewall blocks the call, and ATTIO_BASE_URL'

/** Classifies an answer that wrote or read nothing. The statuses and codes follow Attio's API reference. */
export function classifyAnswer(answer: CrmAnswer, now: number): AnswerClass {
  if (typeof answer.status === 'string') return classifySilence(answer, 'Attio', addressHint)
  const { status, headers } = answer
  const problem = readProblem(answer.body)
  const reason = `Attio answered ${status}: ${problem.summary}`
  const askedMs = retryAfterMs(headers, now, dayMs)
  // Attio's limits are per second.
  if (status === 429 || problem.type === 'rate_limit_error') return limited(reason, askedMs ?? secondMs)
  // A success that can't be read is not from Attio, perhaps only temporarily.
  if (status < 300) return misconfigured(reason, addressHint, secondMs)
  if (status >= 500 || status === 408 || status === 425)
    return askedMs === undefined ? unclear(reason) : limited(reason, askedMs)
  if (!problem.isAttios)
    return [401, 402].includes(status) ? unauthorised(reason, accessHint) : misconfigured(reason, proxyHint)
  return classifyProblem(status, problem, reason)
}

/** Whether the record that a call names does not exist (any more). */
export function isRecordMissing(answer: CrmAnswer): boolean {
  return answer.status === 404 && isAboutRecord(readProblem(answer.body))
}

function classifyProblem(status: number, problem: Problem, reason: string): AnswerClass {
  const codes = [...problem.codes]
  const isAccess = [401, 402, 403].includes(status) || problem.type === 'auth_error'
  if (isAccess || codes.some((code) => accessCodes.has(code))) return unauthorised(reason, accessHint)
  if (
    codes.some((code) => attributeCodes.test(code)) ||
    problem.messages.some((message) => attributeWords.test(message))
  )
    return misconfigured(reason, propertyHint)
  // Attio answers 404 for a record while it merges it into another one.
  if (codes.includes('merge_in_progress')) return unclear(reason)
  if (status === 404) return isAboutRecord(problem) ? unclear(reason) : misconfigured(reason, addressHint)
  if (![400, 409, 413, 422].includes(status)) return misconfigured(reason, addressHint)
  const isConflict = codes.includes('uniqueness_conflict') || status === 409
  return { blames: 'contact', reason, kind: kindOf(problem), isConflict }
}

function isAboutRecord({ messages }: Problem): boolean {
  return messages.some((message) => /^record\b/i.test(message))
}

/** A limit of the plan, which a retry does not lift. */
const accessCodes: ReadonlySet<string> = new Set(['billing_error', 'quota_exceeded', 'unauthorized'])
const attributeCodes =
  /^(unknown_(filter_)?attribute\w*|matching_attribute\w*|immutable_value|system_edit_unauthorized)$/
/** Attio's own words come first: what follows can repeat a contact's text, which must not be mistaken for them. */
const attributeWords =
  /^(cannot find attribute\b|unknown attribute\b|no attribute was found\b|attribute with slug\/id "[^"]*" not found)/i

/** These concern one contact, however many are rejected for them. */
const ownCodes: ReadonlySet<string> = new Set(['multiple_match_results', 'uniqueness_conflict'])

/** Codes and messages without the parts that differ between contacts. */
function kindOf({ codes, messages }: Problem): string | undefined {
  if ([...codes].some((code) => ownCodes.has(code))) return undefined
  if (messages.some((message) => /"email_addresses"/.test(message))) return undefined
  const words = messages.map(kindOfMessage)
  return [...codes, ...words].join(' ').slice(0, 1_000)
}
