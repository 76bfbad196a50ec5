import { setTimeout as delay } from 'node:timers/promises'
import type { PeerAnswer, PeerClient, PeerHeaders, PeerMethod } from '@warmhook/peer/create-peer-client'
import { joinUrl } from '@warmhook/peer/join-url'
import type { Budget, CallCost, LearnedLimit } from '@warmhook/peer/budget/budget'

/** The result of a call to a CRM: the CRM's answer, none, or why nothing was sent. */
export type CrmAnswer =
  | PeerAnswer
  /** Nothing was sent: the account's budget is used up. */
  | { readonly status: 'over budget'; readonly waitMs: number }

/** Whether the CRM answered with a success (2xx). */
export function isSuccess(answer: CrmAnswer): answer is Extract<CrmAnswer, { readonly status: number }> {
  return typeof answer.status === 'number' && answer.status >= 200 && answer.status < 300
}

export interface CrmRequest {
  readonly method: PeerMethod
  /** From the base URL, with a leading slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly cost: CallCost
  readonly signal: AbortSignal
}

/** Sends requests to one account, within its budget. Never throws for a fault of the CRM. */
export type CrmClient = (request: CrmRequest) => Promise<CrmAnswer>

export interface CrmClientDeps {
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  readonly send: PeerClient
  readonly budget: Budget
  readonly readLimits: (headers: PeerHeaders) => readonly LearnedLimit[]
}

/** A call waits this long for the budget itself; anything longer is waited for in the queue. */
const shortWaitMs = 100
/** Events come out of the queue a little early, so that the call is ready when the budget is. */
const leadMs = 60

export function createCrmClient({ baseUrl, headers, send, budget, readLimits }: CrmClientDeps): CrmClient {
  return async ({ method, path, query = {}, body, headers: own, cost, signal }) => {
    const waitMs = await takeSoon(budget, cost, signal)
    if (waitMs > 0) return { status: 'over budget', waitMs: Math.max(1, waitMs - leadMs) }
    const url = joinUrl(baseUrl, path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const answer = await send({ method, url, headers: { ...headers, ...own }, body, signal })
    if (answer.status === 'none') return answer
    const limits = readLimits(answer.headers)
    if (limits.length > 0) await budget.learn(limits)
    return answer
  }
}

/** Returns 0 if the cost was taken, otherwise how long to wait. */
async function takeSoon(budget: Budget, cost: CallCost, signal: AbortSignal): Promise<number> {
  for (let waitedMs = 0; ;) {
    const ticket = await budget.take(cost)
    if (ticket.isGranted) return 0
    waitedMs += ticket.waitMs
    if (waitedMs > shortWaitMs || signal.aborted) return ticket.waitMs
    await delay(ticket.waitMs)
  }
}
