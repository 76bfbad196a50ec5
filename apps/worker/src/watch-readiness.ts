import type { BatchWorker } from '@warmhook/queue/start-batch-worker'

export interface Readiness extends Disposable {
  /** Why the worker does no work at the moment; undefined when it does. */
  readonly blockedBy: () => string | undefined
}

export interface ReadinessDeps {
  /** What the worker needs, by name; each rejects or hangs when it does not answer. */
  readonly needs: Readonly<Record<string, () => Promise<unknown>>>
  readonly workers: () => readonly BatchWorker[]
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number
}

const askEveryMs = 5_000
/** Two unanswered questions, and the third on its way. */
const freshForMs = 15_000

/** Asks what the worker needs again and again: the state of a connection says nothing about whether anybody answers on it. */
export function watchReadiness({ needs, workers, now }: ReadinessDeps): Readiness {
  const answeredAt = new Map<string, number>()
  const ask = (): void => {
    for (const [name, question] of Object.entries(needs)) {
      // A failure is an answer that did not come. Its cause is reported by whoever works with the same connection.
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
