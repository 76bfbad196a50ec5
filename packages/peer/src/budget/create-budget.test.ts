import { setTimeout as delay } from 'node:timers/promises'
import { testPrefix, type TestPrefix } from '@warmhook/testing/test-prefix'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Budget, BudgetWindow } from './budget.ts'
import { createBudget } from './create-budget.ts'

let keys: TestPrefix
let redis: Redis
beforeEach(() => {
  keys = testPrefix()
  redis = new Redis(keys.redisUrl)
})
afterEach(async () => {
  await keys[Symbol.asyncDispose]()
  redis.disconnect()
})

/** A worker's view of the account's budget. */
function open(windows: readonly BudgetWindow[], account = 'account'): Budget {
  return createBudget(account, windows, { redis, prefix: keys.prefix, now: Date.now })
}

const second = { name: 'second', ms: 1_000, limit: 20 }
const day = { name: 'day', ms: 86_400_000, limit: 1_000 }

describe('a rate budget', () => {
  it('grants the limit at once to all workers together, and then names a wait', async () => {
    const [one, two] = [open([second]), open([second])]
    const takes = Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? one : two).take({ second: 1 }))
    const tickets = await Promise.all(takes)
    expect(tickets.filter((ticket) => ticket.isGranted)).toHaveLength(20)
    const refused = tickets.find((ticket) => !ticket.isGranted)
    expect(refused).toMatchObject({ waitMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 1_100) })
  })

  it('never grants more than the limit in any period of the length of the window, and nearly all of it', async () => {
    const budget = open([second])
    const grantedAt: number[] = []
    const end = performance.now() + 3_500
    while (performance.now() < end) {
      const ticket = await budget.take({ second: 1 })
      if (ticket.isGranted) grantedAt.push(await redisNow())
      else await delay(Math.min(ticket.waitMs, 20))
    }
    for (const from of grantedAt) {
      const inPeriod = grantedAt.filter((at) => at >= from && at < from + 1_000)
      expect(inPeriod.length).toBeLessThanOrEqual(second.limit)
    }
    // Three windows after the first burst.
    expect(grantedAt.length).toBeGreaterThanOrEqual(0.85 * 4 * second.limit)
  })

  it('grants a call after the wait that it named', async () => {
    const budget = open([{ ...second, ms: 200 }])
    await budget.take({ second: 20 })
    const refused = await budget.take({ second: 20 })
    if (refused.isGranted) throw new Error('the window is full')
    await delay(refused.waitMs + 1)
    expect(await budget.take({ second: 20 })).toEqual({ isGranted: true })
  })

  it('takes nothing from any window if one has too little left', async () => {
    const budget = open([second, { ...day, limit: 5 }])
    expect(await budget.take({ second: 1, day: 5 })).toEqual({ isGranted: true })
    expect(await budget.take({ second: 1, day: 1 })).toMatchObject({ isGranted: false })
    expect(await budget.read()).toMatchObject([
      { window: 'second', limit: 20, remaining: 19 },
      { window: 'day', limit: 5, remaining: 0 },
    ])
  })

  it('grants a call that costs more than the limit when nothing else is in the window', async () => {
    const budget = open([second])
    expect(await budget.take({ second: 25 })).toEqual({ isGranted: true })
    expect(await budget.take({ second: 1 })).toMatchObject({ isGranted: false })
  })

  it('keeps accounts apart', async () => {
    await open([second]).take({ second: 20 })
    expect(await open([second], 'another').take({ second: 20 })).toEqual({ isGranted: true })
  })

  it('adopts the limit that the vendor tells, for all workers', async () => {
    await open([second]).learn([{ window: 'second', limit: 30 }])
    const [state] = await open([second]).read()
    expect(state).toMatchObject({ limit: 30, remaining: 30 })
    expect(await open([second]).take({ second: 30 })).toEqual({ isGranted: true })
  })

  it('counts what another program takes, but never gives back what it took itself', async () => {
    const budget = open([second])
    await budget.take({ second: 4 })
    await budget.learn([{ window: 'second', remaining: 10 }])
    expect(await budget.read()).toMatchObject([{ remaining: 10 }])
    await budget.learn([{ window: 'second', remaining: 19 }])
    expect(await budget.read()).toMatchObject([{ remaining: 10 }])
  })

  it('says when a call is possible again', async () => {
    const budget = open([second])
    await budget.take({ second: 20 })
    const [state] = await budget.read()
    expect(state?.resetsAt).toBeGreaterThan(Date.now())
    expect(state?.resetsAt).toBeLessThanOrEqual(Date.now() + 1_100)
  })

  it('leaves keys that expire', async () => {
    await open([second, day]).take({ second: 1, day: 1 })
    const names = await redis.keys(`${keys.prefix}*`)
    for (const name of names) expect(await redis.pttl(name)).toBeGreaterThan(0)
  })
})

async function redisNow(): Promise<number> {
  const [seconds = 0, micros = 0] = (await redis.time()).map(Number)
  return seconds * 1_000 + Math.floor(micros / 1_000)
}
