import { z } from 'zod'
import type { ContactResult } from '../crm-provider.ts'
import type { HubspotAnswer } from './hubspot-answer.ts'

const Problem = z.looseObject({
  message: z.string().optional(),
  category: z.string().optional(),
  policyName: z.string().optional(),
})

const secondMs = 1_000
/** HubSpot's rolling limit counts ten seconds. */
const rollingMs = 10 * secondMs
const hourMs = 3_600 * secondMs

/**
 * What an answer that is no success means for its contacts. The table is HubSpot's guide on errors; it documents
 * Retry-After for 477 only, so 429 goes by the policy's name.
 */
export function toFailure(answer: HubspotAnswer, now: number): Exclude<ContactResult, { status: 'written' }> {
  const problem = parseProblem(answer.body)
  const reason = `HubSpot answered ${answer.status}: ${describe(answer, problem)}`
  const waitMs = retryAfterMs(answer.headers, now)
  const retryIn = (ms: number): Exclude<ContactResult, { status: 'written' }> => ({
    status: 'retry',
    reason,
    notBefore: now + (waitMs ?? ms),
  })
  switch (answer.status) {
    case 0:
      return { status: 'retry', reason: `HubSpot did not answer: ${answer.body}` }
    case 401:
    case 403:
      return { ...retryIn(60 * secondMs), reason: `${reason} (check HUBSPOT_ACCESS_TOKEN and its scopes)` }
    case 408:
    case 409:
    case 425:
      return retryIn(secondMs)
    case 423:
      return retryIn(2 * secondMs)
    case 429:
      return retryIn(problem.policyName === 'DAILY' ? hourMs : problem.policyName === 'SECONDLY' ? secondMs : rollingMs)
    case 477:
      return retryIn(hourMs)
    default:
      return answer.status >= 500 ? retryIn(secondMs) : { status: 'rejected', reason }
  }
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3), bounded to a day. */
function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * secondMs : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 24 * hourMs) : undefined
}

function parseProblem(body: string): z.infer<typeof Problem> {
  try {
    return Problem.safeParse(JSON.parse(body)).data ?? {}
  } catch {
    return {}
  }
}

function describe(answer: HubspotAnswer, problem: z.infer<typeof Problem>): string {
  const text = problem.message ?? answer.body.replaceAll(/\s+/g, ' ').slice(0, 200)
  return `${problem.policyName ?? problem.category ?? ''} ${text}`.trim()
}
