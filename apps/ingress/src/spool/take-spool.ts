import { setTimeout as delay } from 'node:timers/promises'
import { openSpool, SpoolBusyError, type Spool, type SpoolOptions } from './open-spool.ts'
import { trackSpooled, type SpooledRanges } from './track-spooled.ts'

/** A spool that knows which envelopes are in it. */
export interface TrackedSpool extends Spool {
  readonly ranges: SpooledRanges
}

/** The place of this process's spool, which the process that it replaces may still have. */
export interface SpoolPlace extends AsyncDisposable {
  /** Undefined without a SPOOL_DIR, and until this process has the spool. */
  readonly spool: TrackedSpool | undefined
  /** Another process has it still. */
  readonly isAwaited: boolean
  /** Resolves once this process has the spool, or at once without a SPOOL_DIR. */
  readonly taken: Promise<void>
}

/** Longer than an ingress may take to stop. */
const defaultWaitMs = 60_000
const tryEveryMs = 200

/**
 * Takes the spool, now or when the process that has it ends. `taken` rejects with SpoolBusyError when that takes longer
 * than `waitMs`: then it is no hand-over, but two ingresses with one SPOOL_DIR.
 *
 * @throws SpoolError when the directory can't be used
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
