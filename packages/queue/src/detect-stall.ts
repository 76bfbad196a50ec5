/** What is known of a worker at one moment. */
export interface ProgressSample {
  /** Milliseconds on any clock that never goes back. */
  readonly at: number
  /** Jobs that wait in the queue and may be taken; undefined while Redis does not say, when nobody could take one. */
  readonly waiting: number | undefined
  /** Jobs that the worker has taken and not ended. */
  readonly inProgress: number
  /** Jobs that it has ended since its start. What was taken before a rebuild counts in neither. */
  readonly ended: number
}

/** `rebuild`: new connections may help. `give up`: they did not, so only a new process can. */
export type StallVerdict = 'fine' | 'rebuild' | 'give up'

/**
 * Tells a worker that is stuck from one that has nothing to do: there are jobs, waiting or in progress, and for `limitMs` none has
 * ended. BullMQ's workers can stop for good after a fault of the connection (its issues 3088, 3185 and 4138 are open), and a call that
 * never returns holds its job for ever. Only the end of a job clears a worker: one that was rebuilt takes jobs even if it will
 * hang on them again.
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
