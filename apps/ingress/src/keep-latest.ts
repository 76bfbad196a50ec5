import type { EnvelopeFactory } from './create-envelope.ts'
import type { LatestMemory } from './remember-latest.ts'

export interface LatestDeps {
  readonly envelopes: EnvelopeFactory
  readonly memories: readonly LatestMemory[]
  /** A remembered time is not believed, and forgotten. */
  readonly onTooFarAhead: (remembered: number) => void
  readonly onError: (error: unknown) => void
  readonly now: () => number
}

export interface LatestKeeper {
  /** Has new ids sort after those that are remembered. A memory that can't be asked yet is asked by `remember`. */
  recall(): Promise<void>
  remember(): Promise<void>
}

/** Keeps ids in arrival order across restarts, also when the clock was set back in between. */
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
      // Also before the first envelope: a process that is killed soon must leave its successor another start.
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

/** Ids of a killed process's last moments are not remembered: a clock that is no further than this may repeat them. */
const unrememberedMs = 1_000

function startAfter(remembered: number, { envelopes, now }: LatestDeps): void {
  envelopes.startAfter(now() < remembered + unrememberedMs ? remembered + unrememberedMs : remembered)
}

/**
 * One clock that was wrong for a moment must not give wrong times to every webhook for years: a week ahead is the most
 * that is believed. Before 2026 it is the present clock that is wrong.
 */
function isBelievable(remembered: number, now: number): boolean {
  return remembered <= now + maxAheadMs || now < firstReleaseMs
}

const maxAheadMs = 7 * 86_400_000
const firstReleaseMs = Date.UTC(2026, 0, 1)
