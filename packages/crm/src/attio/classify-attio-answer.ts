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

const accessHint = 'check ATTIO_API_KEY and its scopes record_permission:read-write and object_configuration:read'
const addressHint = 'check ATTIO_BASE_URL'
const attributeHint =
  'run `warmhook crm plan` to see which attributes differ, and `warmhook crm apply` to create what is missing'

const AttioProblem = z.object({
  status_code: z.number(),
  code: z.string().catch(''),
  message: z.string().catch('no message'),
})

/** Classifies an answer that wrote nothing. Attio documents its errors as `{status_code, type, code, message}`. */
export function classifyAttioAnswer(answer: CrmAnswer, now: number): AnswerClass {
  if (typeof answer.status === 'string') return classifySilence(answer, 'Attio', addressHint)
  const { status, headers, body } = answer
  const problem = AttioProblem.safeParse(parseBody(body)).data
  const reason = `Attio answered ${status}: ${problem === undefined ? 'not from Attio' : describe(problem)}`
  const askedMs = retryAfterMs(headers, now, 24 * hourMs)
  if (status === 429) return limited(reason, askedMs ?? secondMs)
  if (status >= 500 || status === 408 || status === 425)
    return askedMs === undefined ? { blames: 'unclear', reason, splits: false } : limited(reason, askedMs)
  if (status === 401 || status === 402) return unauthorised(reason, accessHint)
  // A page from a proxy or a firewall in front of Attio.
  if (problem === undefined) return status === 403 ? limited(reason, minuteMs) : notAttio(status, reason)
  if (status === 403) return unauthorised(reason, accessHint)
  if (status === 404) return classifyMissing(problem.message, reason)
  if (![400, 409, 413, 422].includes(status)) return misconfigured(reason, addressHint)
  if (isAttribute(problem.message)) return misconfigured(reason, attributeHint)
  return { blames: 'contact', reason, kind: kindOf(problem), isConflict: status === 409 }
}

function notAttio(status: number, reason: string): AnswerClass {
  // A success of somebody else may be temporary, such as a maintenance page.
  return misconfigured(reason, addressHint, status < 300 ? secondMs : minuteMs)
}

function classifyMissing(message: string, reason: string): AnswerClass {
  if (isAttribute(message)) return misconfigured(reason, attributeHint)
  return misconfigured(reason, addressHint)
}

/** All contacts are written with the same attributes, so an error in one of these affects all. */
function isAttribute(message: string): boolean {
  return /\battributes?\b.{0,200}\b(not found|not exist|exist|unknown|archived|read[- ]?only|not writable)|\b(cannot|can't|could not|unable to) find attribute|\bunknown attribute|\bno attribute\b|\bexpected .{0,40}(text|timestamp|number)\b/i.test(
    message,
  )
}

function describe({ code, message }: z.infer<typeof AttioProblem>): string {
  return vendorText(code === '' ? message : `${code}: ${message}`)
}

/** Without what differs between contacts. */
function kindOf({ code, message }: z.infer<typeof AttioProblem>): string | undefined {
  if (/email/i.test(message)) return undefined
  return `${code} ${kindOfMessage(message)}`
}
