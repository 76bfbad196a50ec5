import type { BatchWorker } from '@warmhook/queue/start-batch-worker'

export interface Readiness extends Disposable {
  /** Why the worker cannot work right now; undefined if it can. */
  readonly blockedBy: () => string | undefined
}

export interface ReadinessDeps {
  /** Checks of the services that the worker needs, by name; each rejects or hangs if its service does not answer. */
  readonly needs: Readonly<Record<string, () => Promise<unknown>>>
  readonly workers: () => readonly BatchWorker[]
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number
}

const askEveryMs = 5_000
/** Two failed checks, and a third in progress. */
const freshForMs = 15_000

/** Checks the required services periodically, because an open connection does not mean that the service answers. */
export function watchReadiness({ needs, workers, now }: ReadinessDeps): Readiness {
  const answeredAt = new Map<string, number>()
  const ask = (): void => {
    for (const [name, question] of Object.entries(needs)) {
      // A failure counts as no answer. Its cause is reported by the other users of the connection.
      question().then(
        () => void answeredAt.set(name, now()),
        () => undefined,
      )
    }
  }
  ask()
  const timer = setInterval(ask, askEveryMs)
  timer.unref()
  return {
    blockedBy() {
      const isFresh = (name: string): boolean => now() - (answeredAt.get(name) ?? Number.NEGATIVE_INFINITY) < freshForMs
      const silent = Object.keys(needs).filter((name) => !isFresh(name))
      if (silent.length > 0) return `${silent.join(' and ')} unreachable`
      const stalled = workers().filter(({ isConsuming }) => !isConsuming)
      return stalled.length === 0
        ? undefined
        : `no progress in ${stalled.map(({ queueName }) => queueName).join(', ')} although jobs wait`
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
