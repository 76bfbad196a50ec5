/** What a worker has done with jobs. */
export interface JobCounts {
  readonly taken: number
  readonly ended: number
  readonly inProgress: number
  /** Runs one job. */
  readonly run: <T>(job: () => Promise<T>) => Promise<T>
  /** Resolves at once, or when the last job in progress has ended. */
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
