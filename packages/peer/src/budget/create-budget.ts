import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { Budget, BudgetState, BudgetWindow, CallCost } from './budget.ts'

export interface BudgetDeps {
  readonly redis: Redis
  /** The prefix of the installation's keys. */
  readonly prefix: string
  readonly now: () => number
}

/**
 * Creates the budget of an account. Its state is in Redis, so that all workers share it. In any period of a window's
 * length at most `limit` points are granted, however the vendor counts: in fixed or in rolling windows.
 *
 * @param name of the budget, unique in the installation: the rest of its Redis key
 */
export function createBudget(
  name: string,
  windows: readonly BudgetWindow[],
  { redis, prefix, now }: BudgetDeps,
): Budget {
  const key = `${prefix}:${name}`
  const take = defineScript(redis, 'takeBudget', 'take-budget.lua')
  const learn = defineScript(redis, 'learnLimit', 'learn-limit.lua')
  const takeAll = async (cost: CallCost): Promise<readonly number[]> => {
    const args = windows.flatMap((window) => [window.name, window.ms, window.limit, cost[window.name] ?? 0])
    return (await take(key, args)) as readonly number[]
  }
  return {
    async take(cost) {
      const [waitMs = 0] = await takeAll(cost)
      return waitMs === 0 ? { isGranted: true } : { isGranted: false, waitMs }
    },
    async learn(limits) {
      await Promise.all(
        limits.map(async ({ window, limit, remaining }) => {
          const known = windows.find((each) => each.name === window)
          if (known !== undefined) await learn(key, [window, known.ms, limit ?? '', remaining ?? '', known.limit])
        }),
      )
    },
    async read() {
      const [, ...figures] = await takeAll({})
      const at = now()
      return windows.map((window, index): BudgetState => {
        const [limit = 0, taken = 0, resetsInMs = 0] = figures.slice(3 * index)
        return { window: window.name, limit, remaining: Math.max(0, limit - taken), resetsAt: at + resetsInMs }
      })
    },
  }
}

type Script = (key: string, args: readonly (string | number)[]) => Promise<unknown>

function defineScript(redis: Redis, name: string, file: string): Script {
  const scripted = redis as Redis & Record<string, (...args: (string | number)[]) => Promise<unknown>>
  if (scripted[name] === undefined) {
    const lua = readFileSync(join(import.meta.dirname, file), 'utf8')
    redis.defineCommand(name, { numberOfKeys: 1, lua })
  }
  return (key, args) => scripted[name]?.(key, ...args) ?? Promise.reject(new Error(`the script ${name} is not defined`))
}
