import type { BudgetDeps } from './create-budget.ts'

/** A time in which no worker calls a peer, because the peer asked for it. */
export interface SharedPause {
  /** How long it still lasts; 0 if there is none. */
  readonly remainingMs: () => Promise<number>
  /** Starts it, or extends it to this time from now. It never becomes shorter. */
  readonly extend: (ms: number) => Promise<void>
}

/**
 * Creates a pause that all workers share.
 *
 * @param name unique in the installation: the rest of its Redis key
 */
export function createSharedPause(name: string, { redis, prefix }: Pick<BudgetDeps, 'redis' | 'prefix'>): SharedPause {
  const key = `${prefix}:${name}`
  return {
    async remainingMs() {
      // Negative if there is no such key.
      return Math.max(0, await redis.pttl(key))
    },
    async extend(ms) {
      const whole = Math.ceil(ms)
      await redis.multi().set(key, '', 'PX', whole, 'NX').pexpire(key, whole, 'GT').exec()
    },
  }
}
