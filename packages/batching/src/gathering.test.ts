import { describe, expect, it } from 'vitest'
import { createGathering } from './gathering.ts'

const policy = { maxMs: 5, enough: 16 }

/** Arrivals every `gapMs`, for half a second; returns the time of the last. */
function arrive(gathering: ReturnType<typeof createGathering>, gapMs: number, from = 0): number {
  let at = from
  for (; at + gapMs <= from + 500; at += gapMs) gathering.note(at)
  gathering.note(at)
  return at
}

describe('createGathering', () => {
  it('lets the first item of all start at once', () => {
    const gathering = createGathering(policy)
    gathering.note(0)
    expect(gathering.waitMs({ count: 1, since: 0 }, 0)).toBe(0)
  })

  it.each([200, 50, 10, 3])('waits for nothing when something comes every %d ms', (gapMs) => {
    const gathering = createGathering(policy)
    const at = arrive(gathering, gapMs)
    expect(gathering.waitMs({ count: 1, since: at }, at)).toBe(0)
  })

  it('waits up to the limit for what comes a thousand times a second', () => {
    const gathering = createGathering(policy)
    const at = arrive(gathering, 1)
    expect(gathering.waitMs({ count: 1, since: at }, at)).toBeCloseTo(4, 0)
    gathering.note(at + 1)
    expect(gathering.waitMs({ count: 2, since: at }, at + 1)).toBe(4)
    expect(gathering.waitMs({ count: 2, since: at }, at + 5)).toBe(0)
  })

  it('starts a batch that is large enough, and one below that is not', () => {
    const gathering = createGathering(policy)
    const at = arrive(gathering, 0.25)
    expect(gathering.waitMs({ count: 15, since: at }, at)).toBeGreaterThan(0)
    expect(gathering.waitMs({ count: 16, since: at }, at)).toBe(0)
  })

  it('ends the wait when those who could send wait for an answer', () => {
    const gathering = createGathering(policy)
    const at = arrive(gathering, 0.25)
    expect(gathering.waitMs({ count: 8, since: at }, at + 0.5)).toBeLessThan(1)
    expect(gathering.waitMs({ count: 8, since: at }, at + 1.1)).toBe(0)
  })

  it('forgets a burst when it is over', () => {
    const gathering = createGathering(policy)
    const at = arrive(gathering, 0.25)
    expect(gathering.waitMs({ count: 1, since: at + 300 }, at + 300)).toBe(0)
    gathering.note(at + 400)
    expect(gathering.waitMs({ count: 1, since: at + 400 }, at + 400)).toBe(0)
  })
})
