/** How long a batch may wait for more items to come. */
export interface GatherPolicy {
  /** For the first item of a batch, in ms. */
  readonly maxMs: number
  /** A batch of so many starts at once: it is worth its fixed cost. */
  readonly enough: number
}

export interface Gathering {
  /** An item has come at `at`, in ms of any clock that only goes forward. */
  note(at: number): void
  /** For how many ms the batch of `count` items, the first of which came at `since`, is to wait; 0: it starts now. */
  waitMs(batch: { readonly count: number; readonly since: number }, at: number): number
}

/** The rate of arrivals is that of the last moments: a burst raises it within some ms, and silence lowers it as fast. */
const rateWindowMs = 100
/** A wait that would bring less than this saves nothing. */
const leastGain = 2
/** Arrivals end for now after so many mean gaps without one: whoever sends next may be waiting for this very batch. */
const gapsUntilSilence = 4

/**
 * Decides how long a batch waits. Idle, not at all: at the rate of the last moments, nothing would join it. Busy, until it
 * is large enough, its first item has waited for `maxMs`, or nothing more comes.
 */
export function createGathering({ maxMs, enough }: GatherPolicy): Gathering {
  let rate = 0
  let latest = Number.NEGATIVE_INFINITY
  /** In items per ms. */
  const rateAt = (at: number): number => rate * Math.exp((latest - at) / rateWindowMs)
  return {
    note(at) {
      rate = rateAt(at) + 1 / rateWindowMs
      latest = at
    },
    waitMs({ count, since }, at) {
      const now = rateAt(at)
      if (count >= enough || now * maxMs < leastGain) return 0
      return Math.max(0, Math.min(since + maxMs, latest + gapsUntilSilence / now) - at)
    },
  }
}
