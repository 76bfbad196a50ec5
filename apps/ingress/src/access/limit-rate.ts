import type { Endpoint } from '@warmhook/config/endpoints'

/** A sustained rate of `perSecond`, with bursts of up to two seconds' worth. */
export interface RateLimit {
  /** Takes one token. Returns 0 on success, otherwise the seconds until one may be available. */
  readonly take: () => number
}

/** A limit for each endpoint, created on first use. `now` is in ms. */
export function createRateLimits(perSecond: number, now: () => number): (endpoint: Endpoint) => RateLimit {
  const limits = new Map<Endpoint, RateLimit>()
  return (endpoint) => {
    const known = limits.get(endpoint)
    if (known !== undefined) return known
    const made = createRateLimit(perSecond, now)
    limits.set(endpoint, made)
    return made
  }
}

const burstSeconds = 2

/** A token bucket. `now` is in ms; 0 per second: no limit. */
export function createRateLimit(perSecond: number, now: () => number): RateLimit {
  if (perSecond === 0) return { take: () => 0 }
  const capacity = perSecond * burstSeconds
  let tokens = capacity
  let filledAt = now()
  return {
    take() {
      const at = now()
      tokens = Math.min(capacity, tokens + ((at - filledAt) / 1_000) * perSecond)
      filledAt = at
      if (tokens < 1) return (1 - tokens) / perSecond
      tokens -= 1
      return 0
    },
  }
}
