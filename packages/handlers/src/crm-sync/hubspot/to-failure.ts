import { z } from 'zod'
import type { ContactResult } from '../crm-provider.ts'
import type { HubspotAnswer } from './hubspot-answer.ts'
import { vendorText } from './vendor-text.ts'

// Every field is optional in HubSpot's guide, so one that can't be read must not hide the others.
const text = z.string().optional().catch(undefined)
const Problem = z.object({ message: text, category: text, policyName: text })
type Problem = z.infer<typeof Problem>

type Failure = Exclude<ContactResult, { status: 'written' }>

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
/** HubSpot's rolling limit counts ten seconds. */
const rollingMs = 10 * secondMs

/**
 * What an answer that is no success means for its contacts. The table is HubSpot's guide on errors; it documents
 * Retry-After for 477 only, so 429 goes by the policy's name. Only what blames the contacts is `rejected`: a fault of the
 * connection's must not turn events into dead letters.
 */
export function toFailure(answer: HubspotAnswer, now: number): Failure {
  const problem = parseProblem(answer.body)
  const reason = `HubSpot answered ${answer.status}: ${describe(answer, problem)}`
  const waitMs = retryAfterMs(answer.headers, now)
  const retryIn = (ms: number, hint = ''): Failure => ({
    status: 'retry',
    reason: `${reason}${hint}`,
    notBefore: now + (waitMs ?? ms),
  })
  switch (answer.status) {
    case 0:
      return { status: 'retry', reason: `HubSpot did not answer: ${answer.body}` }
    case 400:
    case 413:
    case 422:
      return { status: 'rejected', reason }
    case 401:
    case 403:
      return retryIn(minuteMs, ' (check HUBSPOT_ACCESS_TOKEN and its scopes)')
    case 408:
    case 409:
    case 425:
      return retryIn(secondMs)
    case 423:
      return retryIn(2 * secondMs)
    case 429:
      return retryIn(rateLimitMs(problem, answer.headers))
    case 477:
      return retryIn(hourMs)
    default:
      return answer.status >= 500
        ? retryIn(secondMs)
        : retryIn(minuteMs, ' (check HUBSPOT_BASE_URL and HUBSPOT_API_VERSION)')
  }
}

function rateLimitMs({ policyName }: Problem, headers: Headers): number {
  if (policyName === 'DAILY') return hourMs
  if (policyName === 'SECONDLY') return secondMs
  const intervalMs = Number(headers.get('x-hubspot-ratelimit-interval-milliseconds'))
  return intervalMs > 0 && intervalMs <= hourMs ? intervalMs : rollingMs
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3), bounded to a day. */
function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * secondMs : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 24 * hourMs) : undefined
}

function parseProblem(body: string): Problem {
  try {
    return Problem.safeParse(JSON.parse(body)).data ?? noProblem
  } catch {
    return noProblem
  }
}

const noProblem: Problem = { message: undefined, category: undefined, policyName: undefined }

/** A page in HTML says nothing that the status does not. */
function describe({ body }: HubspotAnswer, { message, category, policyName }: Problem): string {
  const words = message ?? (body.trimStart().startsWith('<') ? 'no JSON' : body)
  return vendorText(`${policyName ?? category ?? ''} ${words}`)
}
