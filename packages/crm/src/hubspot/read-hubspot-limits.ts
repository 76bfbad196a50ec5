import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import type { LearnedLimit } from '../budget/budget.ts'

/** The limits in the headers of HubSpot's answers (usage guidelines; OAuth apps get no daily ones). */
export function readHubspotLimits(headers: PeerHeaders): readonly LearnedLimit[] {
  // The limit is that of the account only if its window is the expected one.
  const isTenSeconds = ['10000', undefined].includes(headers['x-hubspot-ratelimit-interval-milliseconds']?.toString())
  return [
    ...(isTenSeconds
      ? limitOf('10 s', headers['x-hubspot-ratelimit-max'], headers['x-hubspot-ratelimit-remaining'])
      : []),
    ...limitOf('day', headers['x-hubspot-ratelimit-daily'], headers['x-hubspot-ratelimit-daily-remaining']),
  ]
}

function limitOf(window: string, max: PeerHeaders[string], left: PeerHeaders[string]): readonly LearnedLimit[] {
  const limit = toCount(max)
  const remaining = toCount(left)
  if (limit === undefined && remaining === undefined) return []
  return [{ window, ...(limit === undefined ? {} : { limit }), ...(remaining === undefined ? {} : { remaining }) }]
}

function toCount(value: PeerHeaders[string]): number | undefined {
  const text = value?.toString().trim() ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
