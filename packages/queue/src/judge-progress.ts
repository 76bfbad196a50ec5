/** What a worker shows of itself at one moment. */
export interface ProgressSample {
  /** Milliseconds on any clock that never goes back. */
  readonly at: number
  /** Jobs that wait in the queue and may be taken. */
  readonly waiting: number
  /** Counts of this worker since its start. */
  readonly taken: number
  readonly ended: number
}

export type ProgressVerdict = 'fine' | 'rebuild' | 'give up'

/**
 * Tells a worker that is stuck from one that has nothing to do: jobs wait, and it neither takes nor ends one. BullMQ's
 * workers can stop for good after a fault of the connection (its issues 3088, 3185 and 4138 are open). The first time
 * limit asks for new connections, the next for a new process.
 */
export function createProgressJudge(limitMs: number): (sample: ProgressSample) => ProgressVerdict {
  let last: ProgressSample | undefined
  let strikes = 0
  return (sample) => {
    const hasMoved = last === undefined || sample.taken !== last.taken || sample.ended !== last.ended
    if (hasMoved || sample.waiting === 0) {
      last = sample
      strikes = 0
      return 'fine'
    }
    if (last === undefined || sample.at - last.at < limitMs) return 'fine'
    last = sample
    strikes += 1
    return strikes === 1 ? 'rebuild' : 'give up'
  }
}
