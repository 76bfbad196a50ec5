import { hash, randomUUID } from 'node:crypto'
import type { Secret } from '@warmhook/config/secret'
import type { BudgetState, BudgetWindow, CallCost } from '@warmhook/peer/budget/budget'
import { createBudget, type BudgetDeps } from '@warmhook/peer/budget/create-budget'
import { createSharedPause } from '@warmhook/peer/budget/create-shared-pause'
import { createPeerClient, type PeerHeaders } from '@warmhook/peer/create-peer-client'
import { vendorText } from '@warmhook/peer/vendor-text'
import { classifyAnswer, type AnswerResult, type Payload } from './classify-answer.ts'
import type { MailiveryFailure, MailiveryResult } from './mailivery-result.ts'
import {
  callCost,
  mailiveryWindows,
  pauses,
  readMailiveryLimits,
  readPauseMs,
  recheckCost,
} from './mailivery-limits.ts'

/** How to reach Mailivery with a key, and what the workers share for it. */
export interface MailiveryAccess extends BudgetDeps {
  readonly baseUrl: string
  readonly apiKey: Secret
  /** From the start of a call to the last byte of the answer; 20 s by default. */
  readonly requestMs?: number
  /** The documented limits by default. */
  readonly windows?: readonly BudgetWindow[]
}

interface MailiveryRequest {
  readonly method: 'GET' | 'PATCH'
  readonly url: URL
  /** Sent as JSON. */
  readonly body?: object
  /** Counts against the limit of rechecks, too. */
  readonly isRecheck?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface MailiveryCalls {
  /** Sends a request if the limits allow it. Never throws for a fault of Mailivery. */
  readonly send: (request: MailiveryRequest) => Promise<MailiveryResult<Payload>>
  readonly readRechecks: () => Promise<BudgetState>
}

const maxAnswerBytes = 16 * 1024 ** 2

/** Creates the calls with one key, whose limits all workers share. */
export function createMailiveryCalls(access: MailiveryAccess): MailiveryCalls {
  const { apiKey, requestMs = 20_000, windows = mailiveryWindows, now } = access
  // Redis must not contain the key.
  const account = hash('sha256', apiKey.reveal())
  const budget = createBudget(`mailivery-budget:${account}`, windows, access)
  const callPause = createSharedPause(`mailivery-pause:${account}`, access)
  const recheckPause = createSharedPause(`mailivery-recheck-pause:${account}`, access)
  const peer = createPeerClient({ requestMs, maxAnswerBytes })
  // An answer may quote the request.
  const clean = (text: string): string => vendorText(text.replaceAll(apiKey.reveal(), String(apiKey)))

  /** Returns 0 if the call may be sent, otherwise how long to wait. */
  async function admit(cost: CallCost, isRecheck: boolean): Promise<number> {
    const waits = [callPause.remainingMs(), ...(isRecheck ? [recheckPause.remainingMs()] : [])]
    const pausedMs = Math.max(...(await Promise.all(waits)))
    if (pausedMs > 0) return pausedMs
    const ticket = await budget.take(cost)
    return ticket.isGranted ? 0 : ticket.waitMs
  }

  async function pauseCalls(
    { reason, code }: Extract<AnswerResult, { status: 'too many' }>,
    headers: PeerHeaders,
    isRecheck: boolean,
  ): Promise<MailiveryFailure> {
    const isOfRechecks = isRecheck && code !== 'RATE_LIMIT_EXCEEDED'
    const { maxMs, defaultMs } = pauses[isOfRechecks ? 'rechecks' : 'calls']
    const waitMs = readPauseMs(headers, now(), maxMs) ?? defaultMs
    await (isOfRechecks ? recheckPause : callPause).extend(waitMs)
    return { status: 'limited', reason, waitMs, isSent: true }
  }

  return {
    async send({ method, url, body, isRecheck = false, signal = new AbortController().signal }) {
      const waitMs = await admit(isRecheck ? recheckCost : callCost, isRecheck)
      if (waitMs > 0) return { status: 'limited', reason: 'the rate limit is used up', waitMs, isSent: false }
      const headers = {
        accept: 'application/json',
        authorization: `Bearer ${apiKey.reveal()}`,
        'x-request-id': randomUUID(),
      }
      const answer = await peer({ method, url, headers, body, signal })
      const result = classifyAnswer(answer, clean)
      const told = answer.status === 'none' ? {} : answer.headers
      if (result.status === 'too many') return pauseCalls(result, told, isRecheck)
      const limits = readMailiveryLimits(told)
      if (limits.length > 0) await budget.learn(limits)
      return result
    },
    async readRechecks() {
      const [states, pausedMs] = await Promise.all([budget.read(), recheckPause.remainingMs()])
      const state = states.find(({ window }) => window === 'recheck')
      if (state === undefined) throw new Error('the windows have no limit of rechecks')
      return pausedMs > 0 ? { ...state, remaining: 0, resetsAt: now() + pausedMs } : state
    },
  }
}
