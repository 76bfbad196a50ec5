import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import type { LearnedLimit } from '../budget/budget.ts'

/** The limits in the headers of Pipedrive's answers, in tokens. The daily ones can be missing. */
export function readPipedriveLimits(headers: PeerHeaders): readonly LearnedLimit[] {
  return [
    ...limitOf('burst', headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']),
    ...limitOf('day', headers['x-daily-ratelimit-token-limit'], headers['x-daily-ratelimit-token-remaining']),
  ]
}

function limitOf(window: string, max: PeerHeaders[string], left: PeerHeaders[string]): readonly LearnedLimit[] {
  const limit = toCount(max)
  const remaining = toCount(left)
  if (limit === undefined) return []
  return [{ window, limit, ...(remaining === undefined ? {} : { remaining }) }]
}

function toCount(value: PeerHeaders[string]): number | undefined {
  const text = value?.toString().trim() ?? ''
  return /^[1-9]\d{0,9}$|^0$/.test(text) ? Number(text) : undefined
}
