import { retryAfterMs } from '@warmhook/peer/retry-after-ms'
import { vendorText } from '@warmhook/peer/vendor-text'
import {
  classifySilence,
  dayMs,
  limited,
  misconfigured,
  secondMs,
  unauthorised,
  unclear,
  type AnswerClass,
} from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import { kindOfMessage } from '../kind-of-message.ts'
import { readProblem } from './read-problem.ts'

/** After a 429 that does not say how long to wait. */
const limitedMs = 10 * secondMs

const addressHint = 'check CRM_HTTP_URL'
const redirectHint = 'redirects are not followed: set CRM_HTTP_URL to the final address'
const secretHint = 'check that CRM_HTTP_SECRET is the secret that the endpoint verifies signatures with'

/** Classifies an answer that is no success. */
export function classifyAnswer(answer: CrmAnswer, now: number): AnswerClass {
  if (typeof answer.status === 'string') return classifySilence(answer, 'the endpoint', addressHint)
  const { status, headers } = answer
  const problem = readProblem(answer.body)
  const reason = vendorText(`the endpoint answered ${status}${problem === '' ? '' : `: ${problem}`}`)
  const askedMs = retryAfterMs(headers, now, dayMs)
  if (status === 429) return limited(reason, askedMs ?? limitedMs)
  if (status === 503 && askedMs !== undefined) return limited(reason, askedMs)
  if (status >= 500 || unclearStatuses.has(status)) return unclear(reason, status === 500)
  if ([400, 413, 422].includes(status))
    return { blames: 'contact', reason, kind: `${status} ${kindOfMessage(problem)}`, isConflict: false }
  if (status === 401 || status === 403) return unauthorised(reason, secretHint)
  return misconfigured(reason, status >= 300 && status < 400 ? redirectHint : addressHint)
}

/** 409 and 423 included: an endpoint may answer them while it still processes an earlier attempt with the same id. */
const unclearStatuses: ReadonlySet<number> = new Set([408, 409, 423, 425])
