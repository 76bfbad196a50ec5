import type { Budget } from './budget.ts'

/** A budget, and whether it has recently been too small for what was asked of it. */
export interface WatchedBudget {
  readonly budget: Budget
  /** How long until calls are possible, if one was refused within the last window (ms); 0: the budget suffices. */
  readonly scarceForMs: () => number
}

/** For this long after a refusal, a budget counts as scarce. */
const rememberedMs = 20_000
/** Events that wait for less would wake up in vain. */
const leastMs = 1_000

/** Observes a budget as one worker sees it. */
export function watchScarcity(budget: Budget, now: () => number): WatchedBudget {
  let refusedAt = Number.NEGATIVE_INFINITY
  let freeAt = Number.NEGATIVE_INFINITY
  return {
    budget: {
      ...budget,
      async take(cost) {
        const ticket = await budget.take(cost)
        if (!ticket.isGranted) {
          refusedAt = now()
          freeAt = refusedAt + ticket.waitMs
        }
        return ticket
      },
    },
    scarceForMs: () => (now() - refusedAt < rememberedMs ? Math.max(leastMs, freeAt - now()) : 0),
  }
}
