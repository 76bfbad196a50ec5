import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import type { LearnedLimit } from '../budget/budget.ts'

/** The lowest plan allows this many requests in two seconds; a lower limit is the one for searches. */
const lowestBurst = 20

/** The limits in the headers of Pipedrive's answers. Those of the day are undocumented, and can be absent. */
export function readPipedriveLimits(headers: PeerHeaders): readonly LearnedLimit[] {
  const limit = toCount(headers['x-ratelimit-limit'])
  const window = limit !== undefined && limit < lowestBurst ? 'search' : 'burst'
  return [
    ...limitOf(window, limit, toCount(headers['x-ratelimit-remaining'])),
    ...limitOf(
      'day',
      toCount(headers['x-daily-ratelimit-token-limit']),
      toCount(headers['x-daily-ratelimit-token-remaining']),
    ),
  ]
}

function limitOf(window: string, limit: number | undefined, remaining: number | undefined): readonly LearnedLimit[] {
  // A limit of zero would stop all calls for good.
  if ((limit === undefined && remaining === undefined) || limit === 0) return []
  return [{ window, ...(limit === undefined ? {} : { limit }), ...(remaining === undefined ? {} : { remaining }) }]
}

function toCount(value: PeerHeaders[string]): number | undefined {
  const text = value?.toString().trim() ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
