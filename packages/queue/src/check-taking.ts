/** A snapshot of how a worker takes jobs. */
export interface TakingSample {
  /** Milliseconds on any monotonic clock. */
  readonly at: number
  /** Jobs that can be taken; undefined if unknown. */
  readonly waiting: number | undefined
  readonly inProgress: number
  /** Jobs taken since the start. */
  readonly taken: number
}

const limitMs = 15_000

/** Returns whether a worker with free capacity takes waiting jobs. A worker without free capacity is merely slow. */
export function createTakingCheck(concurrency: number): (sample: TakingSample) => boolean {
  let since: number | undefined
  let taken = 0
  return (sample) => {
    const couldTake = (sample.waiting ?? 0) > 0 && sample.inProgress < concurrency
    if (!couldTake || sample.taken !== taken) since = undefined
    taken = sample.taken
    if (!couldTake) return true
    since ??= sample.at
    return sample.at - since < limitMs
  }
}
