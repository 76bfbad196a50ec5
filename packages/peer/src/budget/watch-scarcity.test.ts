import { describe, expect, it } from 'vitest'
import type { Budget, BudgetTicket } from './budget.ts'
import { watchScarcity } from './watch-scarcity.ts'

function open(ticket: () => BudgetTicket) {
  let now = 0
  const budget: Budget = {
    take: () => Promise.resolve(ticket()),
    learn: () => Promise.resolve(),
    read: () => Promise.resolve([]),
  }
  const watched = watchScarcity(budget, () => now)
  return { ...watched, pass: (ms: number) => (now += ms) }
}

describe('watchScarcity', () => {
  it('knows no scarcity while calls are granted', async () => {
    const { budget, scarceForMs } = open(() => ({ isGranted: true }))
    await budget.take({})
    expect(scarceForMs()).toBe(0)
  })

  it('tells how long until calls are possible, and remembers a refusal for a while', async () => {
    const { budget, scarceForMs, pass } = open(() => ({ isGranted: false, waitMs: 8_000 }))
    await budget.take({})
    expect(scarceForMs()).toBe(8_000)
    pass(5_000)
    expect(scarceForMs()).toBe(3_000)
    pass(10_000)
    expect(scarceForMs()).toBe(1_000)
    pass(5_000)
    expect(scarceForMs()).toBe(0)
  })
})
