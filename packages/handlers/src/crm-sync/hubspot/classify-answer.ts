import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { PeerAnswer, PeerHeaders } from '../../peer/create-peer-client.ts'
import { retryAfterMs } from '../../peer/retry-after-ms.ts'
import { parseBody, readProblem, type Problem } from './read-problem.ts'

/** What caused a call, or one row of it, to write nothing. */
export type AnswerClass =
  /** The account: every contact would have been refused, so nothing more is sent. */
  | { readonly blames: 'account'; readonly refusal: PeerRefusal }
  /** At least one contact of the call. Similar refusals share a `kind`; undefined: certainly the contact's fault. */
  | {
      readonly blames: 'contact'
      readonly reason: string
      readonly kind: string | undefined
      readonly isConflict: boolean
    }
  /** HubSpot, or a contact that makes it fail. `splits`: splitting the batch shows which. */
  | { readonly blames: 'unclear'; readonly reason: string; readonly splits: boolean }

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
/** The window of HubSpot's rolling limit is ten seconds. */
const rollingMs = 10 * secondMs

const accessHint = 'check HUBSPOT_ACCESS_TOKEN, its scopes, and that the account is active'
const addressHint = 'check HUBSPOT_BASE_URL and HUBSPOT_API_VERSION'
const propertyHint = 'create the contact properties listed in docs/operations.md, with the types given there'

/** Classifies an answer without rows for the contacts of its call. The statuses follow HubSpot's guide on errors. */
export function classifyAnswer(answer: PeerAnswer, now: number): AnswerClass {
  if (answer.status === 'none') return classifySilence(answer)
  const { status, headers } = answer
  const body = parseBody(answer.body)
  const problem = readProblem(body)
  const reason = `HubSpot answered ${status}: ${problem.summary}`
  const askedMs = retryAfterMs(headers, now, 24 * hourMs)
  if (status === 429 || isLimit(problem)) return limited(reason, askedMs ?? rateLimitMs(problem, headers))
  if (status === 477) return limited(reason, askedMs ?? hourMs)
  // A success without rows and without a problem is not from HubSpot, perhaps only temporarily.
  if (status < 300 && problem.codes.size === 0) return refused(reason, addressHint, secondMs)
  if (status < 300 || [400, 409, 413, 422].includes(status)) return classifyProblem(problem, reason, status === 409)
  if (status >= 500 || [408, 423, 425].includes(status)) {
    // Other statuses come from a proxy in front of HubSpot, which knows nothing about contacts.
    return askedMs === undefined
      ? { blames: 'unclear', reason, splits: status === 500 || status === 423 }
      : limited(reason, askedMs)
  }
  return refused(reason, [401, 402, 403].includes(status) ? accessHint : addressHint)
}

/** Classifies one row of a partly successful answer for its contact. */
export function classifyRow(row: unknown): AnswerClass {
  const problem = readProblem(row)
  const reason = `HubSpot: ${problem.summary}`
  if (isLimit(problem)) return limited(reason, rollingMs)
  const isKnown = [...problem.codes].some((code) => contactCodes.test(code) || genericCodes.has(code))
  const answerClass = classifyProblem(problem, reason, problem.codes.has('CONFLICT'))
  return answerClass.blames === 'contact' && !isKnown ? { blames: 'unclear', reason, splits: false } : answerClass
}

function classifySilence({ fault, isSent }: Extract<PeerAnswer, { status: 'none' }>): AnswerClass {
  if (isSent) return { blames: 'unclear', reason: `HubSpot did not answer: ${fault}`, splits: false }
  const reason = `HubSpot is unreachable: ${fault} (${addressHint})`
  return { blames: 'account', refusal: { cause: 'unreachable', reason, waitMs: secondMs, maxWaitMs: minuteMs } }
}

function classifyProblem(problem: Problem, reason: string, isConflict: boolean): AnswerClass {
  const hint = accountHint(problem)
  if (hint !== undefined) return refused(reason, hint)
  return { blames: 'contact', reason, kind: kindOf(problem), isConflict }
}

/** The codes identify the kind of problem; if HubSpot gives only generic codes, the messages do. */
function accountHint({ codes, messages }: Problem): string | undefined {
  const all = [...codes]
  if (all.some((code) => propertyCodes.test(code))) return propertyHint
  if (all.some((code) => accessCodes.test(code))) return accessHint
  if (all.some((code) => !genericCodes.has(code))) return undefined
  if (messages.some((message) => propertyWords.test(message))) return propertyHint
  return messages.some((message) => accessWords.test(message)) ? accessHint : undefined
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

function limited(reason: string, waitMs: number): AnswerClass {
  return { blames: 'account', refusal: { cause: 'limited', reason, waitMs, maxWaitMs: waitMs } }
}

function refused(reason: string, hint: string, waitMs = minuteMs): AnswerClass {
  return {
    blames: 'account',
    refusal: { cause: 'refused', reason: `${reason} (${hint})`, waitMs, maxWaitMs: minuteMs },
  }
}

/** Codes and messages without the parts that differ between contacts. */
function kindOf({ codes, messages }: Problem): string | undefined {
  if ([...codes].some((code) => ownCodes.test(code))) return undefined
  const words = messages.map((message) => message.replaceAll(/"[^"]*"|\S+@\S+|\d+/g, '…'))
  return [...codes, ...words].toSorted().join(' ').slice(0, 1_000)
}
