import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import type { LearnedLimit } from '@warmhook/peer/budget/budget'
import { readCount, toLearnedLimits } from '@warmhook/peer/budget/limit-headers'

/** The limits in the headers of HubSpot's answers (usage guidelines; OAuth apps get no daily ones). */
export function readHubspotLimits(headers: PeerHeaders): readonly LearnedLimit[] {
  const count = (name: string) => readCount(headers[`x-hubspot-ratelimit-${name}`])
  // The limit is that of the account only if its window is the expected one.
  const isTenSeconds = ['10000', undefined].includes(headers['x-hubspot-ratelimit-interval-milliseconds']?.toString())
  return [
    ...(isTenSeconds ? toLearnedLimits('10 s', count('max'), count('remaining')) : []),
    ...toLearnedLimits('day', count('daily'), count('daily-remaining')),
  ]
}
