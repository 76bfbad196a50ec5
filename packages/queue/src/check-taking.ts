/** What a worker shows of its taking of jobs at one moment. */
export interface TakingSample {
  /** Milliseconds on any clock that never goes back. */
  readonly at: number
  /** Jobs that may be taken; undefined while that is not known. */
  readonly waiting: number | undefined
  readonly inProgress: number
  /** Jobs taken since the start. */
  readonly taken: number
}

const limitMs = 15_000

/** Says whether a worker takes jobs when there are some and it has room. A full worker is only slow. */
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
