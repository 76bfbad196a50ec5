import type { PeerRefusal } from '@warmhook/store/peer-gates/leave-peer-gate'
import type { PeerAnswer, PeerHeaders } from '../../peer/create-peer-client.ts'
import { retryAfterMs } from '../../peer/retry-after-ms.ts'
import { parseBody, readProblem, type Problem } from './read-problem.ts'

/** Whose fault it is that a call, or one row of it, has written nothing. */
export type AnswerClass =
  /** Every contact would have been refused: nothing more is sent. */
  | { readonly blames: 'account'; readonly refusal: PeerRefusal }
  /** One contact of the call, at least. `kind` is equal for refusals alike; undefined: it is surely the contact's own. */
  | {
      readonly blames: 'contact'
      readonly reason: string
      readonly kind: string | undefined
      readonly isConflict: boolean
    }
  /** HubSpot, or a contact that it stumbles over. `splits`: halves show which. */
  | { readonly blames: 'unclear'; readonly reason: string; readonly splits: boolean }

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
/** HubSpot's rolling limit counts ten seconds. */
const rollingMs = 10 * secondMs

const accessHint = 'check HUBSPOT_ACCESS_TOKEN, its scopes, and that the account is active'
const addressHint = 'check HUBSPOT_BASE_URL and HUBSPOT_API_VERSION'
const propertyHint = 'create the contact properties that docs/operations.md lists, with the types given there'

/** What an answer without rows means for the contacts of its call. The statuses are those of HubSpot's guide on errors. */
export function classifyAnswer(answer: PeerAnswer, now: number): AnswerClass {
  if (answer.status === 'none') return classifySilence(answer)
  const { status, headers } = answer
  const body = parseBody(answer.body)
  const problem = readProblem(body)
  const reason = `HubSpot answered ${status}: ${problem.summary}`
  const askedMs = retryAfterMs(headers, now, 24 * hourMs)
  if (status === 429 || isLimit(problem)) return limited(reason, askedMs ?? rateLimitMs(problem, headers))
  if (status === 477) return limited(reason, askedMs ?? hourMs)
  // What answers without rows and without a problem is not HubSpot, perhaps for a moment.
  if (status < 300 && problem.codes.size === 0) return refused(reason, addressHint, secondMs)
  if (status < 300 || [400, 409, 413, 422].includes(status)) return classifyProblem(problem, reason, status === 409)
  if (status >= 500 || [408, 423, 425].includes(status)) {
    // Other statuses come from what stands before HubSpot and knows no contacts.
    return askedMs === undefined
      ? { blames: 'unclear', reason, splits: status === 500 || status === 423 }
      : limited(reason, askedMs)
  }
  return refused(reason, [401, 402, 403].includes(status) ? accessHint : addressHint)
}

/** What one row of a partly successful answer means for its contact. */
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
  const reason = `HubSpot can't be reached: ${fault} (${addressHint})`
  return { blames: 'account', refusal: { cause: 'unreachable', reason, waitMs: secondMs, maxWaitMs: minuteMs } }
}

function classifyProblem(problem: Problem, reason: string, isConflict: boolean): AnswerClass {
  const hint = accountHint(problem)
  if (hint !== undefined) return refused(reason, hint)
  return { blames: 'contact', reason, kind: kindOf(problem), isConflict }
}

/** The codes say which kind it is; where HubSpot gives none but "invalid", its words do. */
function accountHint({ codes, messages }: Problem): string | undefined {
  const all = [...codes]
  if (all.some((code) => propertyCodes.test(code))) return propertyHint
  if (all.some((code) => accessCodes.test(code))) return accessHint
  if (all.some((code) => !genericCodes.has(code))) return undefined
  if (messages.some((message) => propertyWords.test(message))) return propertyHint
  return messages.some((message) => accessWords.test(message)) ? accessHint : undefined
}

// Every contact is written with the same properties, whose values have the same forms: what one can't have, none can.
const propertyCodes =
  /^(UNKNOWN_PROPERT\w*|PROPERT(Y|IES)_(DOES_?NT|DO_NOT|DOES_NOT|NOT)_\w+|READ_?ONLY\w*|PROPERTY_(IS_)?READ_?ONLY|\w*CALCULATED\w*|INVALID_(DATE|DATETIME|INTEGER|LONG|NUMBER|NUMERIC|DOUBLE|BOOLEAN|PROPERTY|PROPERTY_NAME|ID_PROPERTY|UNIQUE\w*|OBJECT_TYPE\w*)|\w*NON_UNIQUE\w*)$/
const accessCodes =
  /SCOPE|AUTHENTICAT|AUTHORI|PERMISSION|FORBIDDEN|ACCESS|TOKEN|CREDENTIAL|BANNED|SUSPENDED|DISABLED|DEACTIVATED|INACTIVE|EXPIRED|PORTAL|(^|_)HUB(_|$)|ACCOUNT|QUOTA|(CONTACT|RECORD|OBJECT)S?_LIMIT/
const propertyWords =
  /\bpropert(y|ies)\b.{0,200}\b(does not|do not|doesn't|don't) exist|\bno propert(y|ies)\b|\bread[ -]?only\b|\bnon-unique\b/i
const accessWords =
  /\bscopes?\b|\bauthenticat|\bauthori[sz]|\bpermission|\b(token|key)\b.{0,80}\b(expired|invalid|revoked)|\b(account|portal|hub)\b.{0,80}\b(deactivated|disabled|suspended|expired|inactive|not active)|\b(contact|record)s? limit\b/i
/** They say that something is wrong, and not what. */
const genericCodes: ReadonlySet<string> = new Set(['VALIDATION_ERROR', 'BAD_REQUEST', 'INVALID_INPUT', 'ERROR'])
const contactCodes = /^(INVALID_\w+|DUPLICATE\w*|CONFLICT|\w*EXISTS|\w*NOT_FOUND|\w*TOO_LONG|\w*REQUIRED\w*)$/

const ownCodes = /^(INVALID_EMAIL\w*|DUPLICATE\w*|CONFLICT|\w*EXISTS|\w*TOO_LONG)$/

function isLimit({ codes }: Problem): boolean {
  return [...codes].some((code) => /^(RATE_LIMITS?|TOO_MANY_REQUESTS|TEN_SECONDLY_ROLLING|SECONDLY|DAILY)$/.test(code))
}

/** HubSpot documents `Retry-After` for 477 only: without it the policy's name decides. */
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

/** Without what differs from contact to contact. */
function kindOf({ codes, messages }: Problem): string | undefined {
  if ([...codes].some((code) => ownCodes.test(code))) return undefined
  const words = messages.map((message) => message.replaceAll(/"[^"]*"|\S+@\S+|\d+/g, '…'))
  return [...codes, ...words].toSorted().join(' ').slice(0, 1_000)
}
