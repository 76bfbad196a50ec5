/** A snapshot of a worker's progress. */
export interface ProgressSample {
  /** Milliseconds on any monotonic clock. */
  readonly at: number
  /** Jobs in the queue that can be taken; undefined while Redis does not answer, when no worker can take one. */
  readonly waiting: number | undefined
  /** Jobs that the worker has taken but not finished. */
  readonly inProgress: number
  /** Jobs that it has finished since its start. Jobs taken before a rebuild are in neither count. */
  readonly ended: number
}

/** `rebuild`: new connections may help. `give up`: they did not, so only a new process can. */
export type StallVerdict = 'fine' | 'rebuild' | 'give up'

/**
 * Distinguishes a stuck worker from an idle one: a worker is stuck if jobs are waiting or in progress and none finishes
 * for `limitMs`. BullMQ workers can stop permanently after a connection failure (its issues 3088, 3185 and 4138 are
 * open), and a call that never returns holds its job forever. Only a finished job clears the verdict: a rebuilt worker
 * takes jobs even if it will hang on them again.
 */
export function createStallDetector(limitMs: number): (sample: ProgressSample) => StallVerdict {
  let since: number | undefined
  let ended = 0
  let strikes = 0
  return (sample) => {
    const hasMoved = sample.ended !== ended
    ended = sample.ended
    if (hasMoved) strikes = 0
    const hasWork = sample.waiting !== undefined && sample.waiting + sample.inProgress > 0
    if (since === undefined || hasMoved || !hasWork) since = sample.at
    if (sample.at - since < limitMs) return 'fine'
    since = sample.at
    strikes += 1
    return strikes === 1 ? 'rebuild' : 'give up'
  }
}
