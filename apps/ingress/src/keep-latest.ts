import type { EnvelopeFactory } from './create-envelope.ts'
import type { LatestMemory } from './remember-latest.ts'

export interface LatestDeps {
  readonly envelopes: EnvelopeFactory
  readonly memories: readonly LatestMemory[]
  /** Called when a stored time is implausible and therefore discarded. */
  readonly onTooFarAhead: (remembered: number) => void
  readonly onError: (error: unknown) => void
  readonly now: () => number
}

export interface LatestKeeper {
  /** Makes new ids sort after the stored time. A memory that is unreachable is read later, by `remember`. */
  recall(): Promise<void>
  remember(): Promise<void>
}

/** Keeps ids in arrival order across restarts, even if the clock was set back in between. */
export function keepLatest(deps: LatestDeps): LatestKeeper {
  const unasked = new Set(deps.memories)
  const each = async (run: (memory: LatestMemory) => Promise<void>): Promise<void> => {
    await Promise.all(deps.memories.map((memory) => run(memory).catch(deps.onError)))
  }
  const ask = async (memory: LatestMemory): Promise<void> => {
    if (!unasked.has(memory)) return
    const remembered = await memory.recall()
    unasked.delete(memory)
    if (isBelievable(remembered, deps.now())) return startAfter(remembered, deps)
    deps.onTooFarAhead(remembered)
    await memory.forget()
  }
  return {
    async recall() {
      await each(ask)
      // Also before the first envelope: if this process is killed soon, the next one must start later.
      await each(async (memory) => {
        if (!unasked.has(memory)) await memory.remember(deps.envelopes.latest)
      })
    },
    remember: () =>
      each(async (memory) => {
        await ask(memory)
        await memory.remember(deps.envelopes.latest)
      }),
  }
}

/** The last ids of a killed process are not stored: within this margin, the clock could repeat them. */
const unrememberedMs = 1_000

function startAfter(remembered: number, { envelopes, now }: LatestDeps): void {
  envelopes.startAfter(now() < remembered + unrememberedMs ? remembered + unrememberedMs : remembered)
}

/**
 * A clock that was briefly wrong must not cause wrong times on every webhook for years, so times more than a week ahead
 * are rejected. If the current clock is before 2026, it is the one that is wrong.
 */
function isBelievable(remembered: number, now: number): boolean {
  return remembered <= now + maxAheadMs || now < firstReleaseMs
}

const maxAheadMs = 7 * 86_400_000
const firstReleaseMs = Date.UTC(2026, 0, 1)
