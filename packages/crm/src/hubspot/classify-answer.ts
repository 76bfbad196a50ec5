import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import { retryAfterMs } from '@warmhook/peer/retry-after-ms'
import {
  classifySilence,
  dayMs,
  hourMs,
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
import { parseBody } from '../parse-body.ts'
import { readProblem, type Problem } from './read-problem.ts'

/** The window of HubSpot's rolling limit is ten seconds. */
const rollingMs = 10 * secondMs

const accessHint = 'check HUBSPOT_ACCESS_TOKEN, its scopes, and that the account is active'
const addressHint = 'check HUBSPOT_BASE_URL and HUBSPOT_API_VERSION'

/** Classifies an answer without rows for the contacts of its call. The statuses follow HubSpot's guide on errors. */
export function classifyAnswer(answer: CrmAnswer, now: number): AnswerClass {
  if (typeof answer.status === 'string') return classifySilence(answer, 'HubSpot', addressHint)
  const { status, headers } = answer
  const body = parseBody(answer.body)
  const problem = readProblem(body)
  const reason = `HubSpot answered ${status}: ${problem.summary}`
  const askedMs = retryAfterMs(headers, now, dayMs)
  if (status === 429 || isLimit(problem)) return limited(reason, askedMs ?? rateLimitMs(problem, headers))
  if (status === 477) return limited(reason, askedMs ?? hourMs)
  // A success without rows and without a problem is not from HubSpot, perhaps only temporarily.
  if (status < 300 && problem.codes.size === 0) return misconfigured(reason, addressHint, secondMs)
  if (status < 300 || [400, 409, 413, 422].includes(status)) return classifyProblem(problem, reason, status === 409)
  if (status >= 500 || [408, 423, 425].includes(status)) {
    // Other statuses come from a proxy in front of HubSpot, which knows nothing about contacts.
    return askedMs === undefined ? unclear(reason, status === 500 || status === 423) : limited(reason, askedMs)
  }
  return [401, 402, 403].includes(status) ? unauthorised(reason, accessHint) : misconfigured(reason, addressHint)
}

/** Classifies one row of a partly successful answer for its contact. */
export function classifyRow(row: unknown): AnswerClass {
  const problem = readProblem(row)
  const reason = `HubSpot: ${problem.summary}`
  if (isLimit(problem)) return limited(reason, rollingMs)
  const isKnown = [...problem.codes].some((code) => contactCodes.test(code) || genericCodes.has(code))
  const answerClass = classifyProblem(problem, reason, problem.codes.has('CONFLICT'))
  return answerClass.blames === 'contact' && !isKnown ? unclear(reason) : answerClass
}

function classifyProblem(problem: Problem, reason: string, isConflict: boolean): AnswerClass {
  const fault = accountFault(problem)
  if (fault === 'properties') return misconfigured(reason, propertyHint)
  if (fault === 'access') return unauthorised(reason, accessHint)
  return { blames: 'contact', reason, kind: kindOf(problem), isConflict }
}

/** The codes identify the kind of problem; if HubSpot gives only generic codes, the messages do. */
function accountFault({ codes, messages }: Problem): 'properties' | 'access' | undefined {
  const all = [...codes]
  if (all.some((code) => propertyCodes.test(code))) return 'properties'
  if (all.some((code) => accessCodes.test(code))) return 'access'
  if (all.some((code) => !genericCodes.has(code))) return undefined
  if (messages.some((message) => propertyWords.test(message))) return 'properties'
  return messages.some((message) => accessWords.test(message)) ? 'access' : undefined
}

// All contacts are written with the same properties in the same formats: an error in one of these affects all.
const propertyCodes =
  /^(UNKNOWN_PROPERT\w*|PROPERT(Y|IES)_(DOES_?NT|DO_NOT|DOES_NOT|NOT)_\w+|READ_?ONLY\w*|PROPERTY_(IS_)?READ_?ONLY|\w*CALCULATED\w*|INVALID_(DATE|DATETIME|INTEGER|LONG|NUMBER|NUMERIC|DOUBLE|BOOLEAN|PROPERTY|PROPERTY_NAME|ID_PROPERTY|UNIQUE\w*|OBJECT_TYPE\w*)|\w*NON_UNIQUE\w*)$/
const accessCodes =
  /SCOPE|AUTHENTICAT|AUTHORI|PERMISSION|FORBIDDEN|ACCESS|TOKEN|CREDENTIAL|BANNED|SUSPENDED|DISABLED|DEACTIVATED|INACTIVE|EXPIRED|PORTAL|(^|_)HUB(_|$)|ACCOUNT|QUOTA|(CONTACT|RECORD|OBJECT)S?_LIMIT/
const propertyWords =
  /\bpropert(y|ies)\b.{0,200}\b(does not|do not|doesn't|don't) exist|\bno propert(y|ies)\b|\bread[ -]?only\b|\bnon-unique\b/i
const accessWords =
  /\bscopes?\b|\bauthenticat|\bauthori[sz]|\bpermission|\b(token|key)\b.{0,80}\b(expired|invalid|revoked)|\b(account|portal|hub)\b.{0,80}\b(deactivated|disabled|suspended|expired|inactive|not active)|\b(contact|record)s? limit\b/i
/** Codes that say that something is wrong, but not what. */
const genericCodes: ReadonlySet<string> = new Set(['VALIDATION_ERROR', 'BAD_REQUEST', 'INVALID_INPUT', 'ERROR'])
const contactCodes = /^(INVALID_\w+|DUPLICATE\w*|CONFLICT|\w*EXISTS|\w*NOT_FOUND|\w*TOO_LONG|\w*REQUIRED\w*)$/

const ownCodes = /^(INVALID_EMAIL\w*|DUPLICATE\w*|CONFLICT|\w*EXISTS|\w*TOO_LONG)$/

function isLimit({ codes }: Problem): boolean {
  return [...codes].some((code) => /^(RATE_LIMITS?|TOO_MANY_REQUESTS|TEN_SECONDLY_ROLLING|SECONDLY|DAILY)$/.test(code))
}

/** HubSpot documents `Retry-After` only for 477; without it, the policy name decides. */
function rateLimitMs({ codes }: Problem, headers: PeerHeaders): number {
  if (codes.has('DAILY')) return hourMs
  if (codes.has('SECONDLY')) return secondMs
  const intervalMs = Number(headers['x-hubspot-ratelimit-interval-milliseconds'])
  return intervalMs > 0 && intervalMs <= hourMs ? intervalMs : rollingMs
}

/** Codes and messages without the parts that differ between contacts. */
function kindOf({ codes, messages }: Problem): string | undefined {
  if ([...codes].some((code) => ownCodes.test(code))) return undefined
  const words = messages.map(kindOfMessage)
  return [...codes, ...words].toSorted().join(' ').slice(0, 1_000)
}
