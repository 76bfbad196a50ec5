/** Whether it is worth while to give Redis a job. */
export interface RedisGate {
  readonly isOpen: () => boolean
  /** A job was not confirmed: Redis is left alone for a moment, so that callers need not wait for the next time limit. */
  readonly reportFailure: () => void
}

const restMs = 1_000

/** `now` is in ms. */
export function createRedisGate(deps: {
  readonly isConnected: () => boolean
  readonly isMemoryHigh: () => boolean
  readonly now: () => number
}): RedisGate {
  let closedUntil = Number.NEGATIVE_INFINITY
  return {
    isOpen: () => deps.isConnected() && !deps.isMemoryHigh() && deps.now() >= closedUntil,
    reportFailure: () => {
      closedUntil = deps.now() + restMs
    },
  }
}
