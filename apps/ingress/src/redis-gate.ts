/** Whether jobs should be sent to Redis. */
export interface RedisGate {
  readonly isOpen: () => boolean
  /** Redis did not confirm a job. The gate closes briefly, so that callers do not wait for another timeout. */
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
