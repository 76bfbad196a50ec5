import type { PeerHeaders } from '@warmhook/peer/create-peer-client'
import type { LearnedLimit } from '@warmhook/peer/budget/budget'
import { readCount, toLearnedLimits } from '@warmhook/peer/budget/limit-headers'

/** The lowest plan allows this many requests in two seconds; a lower limit is the one for searches. */
const lowestBurst = 20

/** The limits in the headers of Pipedrive's answers. Those of the day are undocumented, and can be absent. */
export function readPipedriveLimits(headers: PeerHeaders): readonly LearnedLimit[] {
  const count = (name: string) => readCount(headers[name])
  const limit = count('x-ratelimit-limit')
  const window = limit !== undefined && limit < lowestBurst ? 'search' : 'burst'
  const told = [
    ...toLearnedLimits(window, limit, count('x-ratelimit-remaining')),
    ...toLearnedLimits('day', count('x-daily-ratelimit-token-limit'), count('x-daily-ratelimit-token-remaining')),
  ]
  // A limit of zero would stop all calls for good.
  return told.filter((each) => each.limit !== 0)
}
