import type { BudgetWindow, LearnedLimit } from '@warmhook/peer/budget/budget'
import { readCount } from '@warmhook/peer/budget/limit-headers'
import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import { retryAfterMs } from '@warmhook/peer/retry-after-ms'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const callsPerMinute = 240
/** A limit below this is of another window, such as ten calls a second. */
const leastPerMinute = 60

/**
 * The documented limits of a key. Mailivery counts calls when they arrive, some later than others, so the windows are
 * longer than its own. The longer second costs nothing: it still allows more calls than the minute.
 */
export const mailiveryWindows: readonly BudgetWindow[] = [
  { name: 'second', ms: 2_000, limit: 10 },
  { name: 'minute', ms: minuteMs + 2_000, limit: callsPerMinute },
  { name: 'recheck', ms: 2 * hourMs + minuteMs, limit: 3 },
]

/** What a call costs in each window. */
export const callCost = { second: 1, minute: 1 }
export const recheckCost = { ...callCost, recheck: 1 }

/** The longest pause that an answer can ask for, and the one after an answer that names none. */
export const pauses = {
  calls: { maxMs: hourMs, defaultMs: minuteMs },
  rechecks: { maxMs: 2 * hourMs, defaultMs: hourMs / 2 },
}

/** What an answer tells about the calls of a minute. */
export function readMailiveryLimits(headers: PeerHeaders): readonly LearnedLimit[] {
  const limit = readCount(headers['x-ratelimit-limit'])
  const remaining = readCount(headers['x-ratelimit-remaining'])
  if (limit === undefined || limit < leastPerMinute) return []
  const told = { window: 'minute', limit: Math.min(limit, callsPerMinute) }
  return [remaining === undefined ? told : { ...told, remaining }]
}

/** The pause that a 429 asks for: `Retry-After`, or `X-RateLimit-Reset` in seconds or as a time. */
export function readPauseMs(headers: PeerHeaders, now: number, maxMs: number): number | undefined {
  const asked = retryAfterMs(headers, now, maxMs)
  const reset = headers['x-ratelimit-reset']?.toString() ?? ''
  if (asked !== undefined || !/^\d{1,10}$/.test(reset)) return asked
  const seconds = Number(reset) > 1e9 ? Math.max(0, Math.ceil(Number(reset) - now / 1_000)) : Number(reset)
  return retryAfterMs({ 'retry-after': String(seconds) }, now, maxMs)
}
