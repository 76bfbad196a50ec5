/** Counts a worker's jobs. */
export interface JobCounts {
  readonly taken: number
  readonly ended: number
  readonly inProgress: number
  /** Runs and counts one job. */
  readonly run: <T>(job: () => Promise<T>) => Promise<T>
  /** Resolves once no job is in progress. */
  readonly whenNoneInProgress: () => Promise<void>
}

export function createJobCounts(): JobCounts {
  let taken = 0
  let ended = 0
  let waiters: (() => void)[] = []
  return {
    get taken() {
      return taken
    },
    get ended() {
      return ended
    },
    get inProgress() {
      return taken - ended
    },
    async run(job) {
      taken += 1
      try {
        return await job()
      } finally {
        ended += 1
        if (taken === ended) {
          for (const resolve of waiters) resolve()
          waiters = []
        }
      }
    },
    whenNoneInProgress: () =>
      taken === ended ? Promise.resolve() : new Promise((resolve) => void waiters.push(resolve)),
  }
}
