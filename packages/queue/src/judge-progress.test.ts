import { describe, expect, it } from 'vitest'
import { createProgressJudge } from './judge-progress.ts'

describe('createProgressJudge', () => {
  const idle = { waiting: 0, taken: 0, ended: 0 }
  const stuck = { waiting: 3, taken: 7, ended: 5 }

  it('has patience with a worker that has nothing to do', () => {
    const judge = createProgressJudge(60)
    expect([0, 100, 200, 1_000].map((at) => judge({ ...idle, at }))).toEqual(['fine', 'fine', 'fine', 'fine'])
  })

  it('asks for new connections, then for a new process, when jobs wait and none is taken', () => {
    const judge = createProgressJudge(60)
    const verdicts = [0, 30, 59, 60, 90, 120].map((at) => judge({ ...stuck, at }))
    expect(verdicts).toEqual(['fine', 'fine', 'fine', 'rebuild', 'fine', 'give up'])
  })

  it('counts the end of a job and the taking of one as progress', () => {
    const judge = createProgressJudge(60)
    judge({ ...stuck, at: 0 })
    expect(judge({ ...stuck, ended: 6, at: 70 })).toBe('fine')
    expect(judge({ ...stuck, ended: 6, taken: 8, at: 140 })).toBe('fine')
    expect(judge({ ...stuck, ended: 6, taken: 8, at: 199 })).toBe('fine')
    expect(judge({ ...stuck, ended: 6, taken: 8, at: 200 })).toBe('rebuild')
  })

  it('starts anew once the worker has moved', () => {
    const judge = createProgressJudge(60)
    judge({ ...stuck, at: 0 })
    expect(judge({ ...stuck, at: 60 })).toBe('rebuild')
    expect(judge({ ...stuck, taken: 8, at: 70 })).toBe('fine')
    expect(judge({ ...stuck, taken: 8, at: 130 })).toBe('rebuild')
  })
})
