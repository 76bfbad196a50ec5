import { setTimeout as delay } from 'node:timers/promises'
import { openSpool, SpoolBusyError, type Spool, type SpoolOptions } from './open-spool.ts'
import { trackSpooled, type SpooledRanges } from './track-spooled.ts'

/** A spool that tracks which envelopes it contains. */
export interface TrackedSpool extends Spool {
  readonly ranges: SpooledRanges
}

/** This process's spool, which the process that it replaces may still be using. */
export interface SpoolPlace extends AsyncDisposable {
  /** Undefined without a SPOOL_DIR, and until this process has acquired the spool. */
  readonly spool: TrackedSpool | undefined
  /** Another process is still using the spool. */
  readonly isAwaited: boolean
  /** Resolves once this process has acquired the spool, or immediately without a SPOOL_DIR. */
  readonly taken: Promise<void>
}

/** Longer than an ingress may take to stop. */
const defaultWaitMs = 60_000
const tryEveryMs = 200

/**
 * Acquires the spool, waiting for the process that uses it to end. `taken` rejects with SpoolBusyError after `waitMs`:
 * it is then not a handover, but two ingresses with the same SPOOL_DIR.
 *
 * @throws SpoolError if the directory cannot be used
 */
export function takeSpool(
  options: SpoolOptions | undefined,
  onTaken: (spool: TrackedSpool) => void,
  waitMs = defaultWaitMs,
): SpoolPlace {
  const stop = new AbortController()
  let spool: TrackedSpool | undefined
  const attempt = (directory: SpoolOptions): void => {
    spool = track(openSpool(directory))
    onTaken(spool)
  }
  const wait = async (directory: SpoolOptions): Promise<void> => {
    const deadline = performance.now() + waitMs
    while (!stop.signal.aborted) {
      await delay(tryEveryMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)
      if (stop.signal.aborted || attemptUnlessBusy(() => attempt(directory), performance.now() < deadline)) return
    }
  }
  const isFree = options === undefined || attemptUnlessBusy(() => attempt(options), true)
  const taken = isFree ? Promise.resolve() : wait(options)
  return {
    taken,
    get spool() {
      return spool
    },
    get isAwaited() {
      return options !== undefined && spool === undefined
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await taken.catch(() => undefined)
      spool?.[Symbol.dispose]()
    },
  }
}

function attemptUnlessBusy(attempt: () => void, mayWait: boolean): boolean {
  try {
    attempt()
    return true
  } catch (error) {
    if (mayWait && error instanceof SpoolBusyError) return false
    throw error
  }
}

function track(spool: Spool): TrackedSpool {
  const ranges = trackSpooled()
  ranges.add(spool.ids())
  return {
    ranges,
    id: spool.id,
    turn: spool.turn,
    write(job) {
      spool.write(job)
      ranges.add([job.id])
    },
    remove(ids) {
      spool.remove(ids)
      ranges.remove(ids)
    },
    oldest: (count) => spool.oldest(count),
    ids: () => spool.ids(),
    get size() {
      return spool.size
    },
    get hasRoom() {
      return spool.hasRoom
    },
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  }
}
