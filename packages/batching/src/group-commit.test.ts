import { setImmediate as nextTurn } from 'node:timers/promises'
import { eventually } from '@warmhook/testing/eventually'
import { describe, expect, it } from 'vitest'
import { createGroupCommit, WaitedTooLongError, type GroupCommitOptions } from './group-commit.ts'

/** A commit that waits until the test lets it through. */
function gatedCommits() {
  const commits: { readonly items: readonly string[]; readonly settle: PromiseWithResolvers<void> }[] = []
  const commit = (items: readonly string[]): Promise<void> => {
    const settle = Promise.withResolvers<void>()
    commits.push({ items, settle })
    return settle.promise
  }
  const begun = (count: number): Promise<unknown> =>
    eventually(() => expect(commits).toHaveLength(count), { intervalMs: 1 })
  return { commits, commit, begun }
}

function create(overrides: Partial<GroupCommitOptions<string>> & Pick<GroupCommitOptions<string>, 'commit'>) {
  return createGroupCommit<string>({
    sizeOf: (item) => item.length,
    maxItems: 3,
    maxSize: 100,
    timeLimitMs: 60_000,
    maxConcurrent: 1,
    ...overrides,
  })
}

describe('createGroupCommit', () => {
  it('fails a commit that hangs, and goes on with what waits behind it', async () => {
    const hanging = create({
      timeLimitMs: 50,
      commit: (items) => (items.includes('hangs') ? new Promise(() => undefined) : Promise.resolve()),
    })
    const first = hanging.submit('hangs')
    await nextTurn()
    const second = hanging.submit('waits')
    await expect(first).rejects.toThrow('a group took longer than 0.05 s')
    await second
  })

  it('commits a lone item at once', async () => {
    const { commits, commit } = gatedCommits()
    void create({ commit }).submit('a')
    await nextTurn()
    expect(commits.map(({ items }) => items)).toEqual([['a']])
  })

  it('lets what arrives during a commit share the next', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    await begun(1)
    const others = [group.submit('b'), group.submit('c')]
    await nextTurn()
    expect(commits).toHaveLength(1)
    commits[0]?.settle.resolve()
    await first
    await begun(2)
    expect(commits.map(({ items }) => items)).toEqual([['a'], ['b', 'c']])
    commits[1]?.settle.resolve()
    await Promise.all(others)
  })

  it('answers a caller only after its own batch', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    await begun(1)
    let secondIsDone = false
    const second = group.submit('b').then(() => (secondIsDone = true))
    commits[0]?.settle.resolve()
    await first
    await begun(2)
    expect(secondIsDone).toBe(false)
    commits[1]?.settle.resolve()
    await second
  })

  it('cuts batches by number and by bytes', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxItems: 2, maxSize: 5, maxConcurrent: 4 })
    const all = ['a', 'b', 'c', 'eeee', 'ffff', 'gggggggg'].map((item) => group.submit(item))
    await begun(4)
    expect(commits.map(({ items }) => items)).toEqual([['a', 'b'], ['c', 'eeee'], ['ffff'], ['gggggggg']])
    for (const { settle } of commits) settle.resolve()
    await Promise.all(all)
  })

  it('cuts what is too much for one batch into equal ones', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxConcurrent: 2 })
    const all = ['a', 'b', 'c', 'd'].map((item) => group.submit(item))
    await begun(2)
    expect(commits.map(({ items }) => items)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    for (const { settle } of commits) settle.resolve()
    await Promise.all(all)
  })

  it('fails the callers of a failed batch and goes on with the next', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    await begun(1)
    const second = group.submit('b')
    commits[0]?.settle.reject(new Error('unreachable'))
    await expect(first).rejects.toThrow('unreachable')
    await begun(2)
    commits[1]?.settle.resolve()
    await expect(second).resolves.toBeUndefined()
  })

  it('refuses what has waited too long when its turn comes, and commits what has not', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxWaitMs: 500 })
    const first = group.submit('a')
    await begun(1)
    const late = group.submit('b')
    const refusal = late.catch((error: unknown) => error)
    const since = performance.now()
    await eventually(() => performance.now() - since > 510)
    const fresh = group.submit('c')
    commits[0]?.settle.resolve()
    await first
    expect(await refusal).toBeInstanceOf(WaitedTooLongError)
    await begun(2)
    expect(commits[1]?.items).toEqual(['c'])
    commits[1]?.settle.resolve()
    await expect(fresh).resolves.toBeUndefined()
  })

  it('says of a batch whether others are waiting behind it', async () => {
    const seen: [string, boolean][] = []
    const group = create({
      commit: async (items, isFull) => void seen.push([items.join(''), isFull]),
      maxItems: 2,
    })
    await Promise.all(['a', 'b', 'c'].map((item) => group.submit(item)))
    await group.submit('d')
    expect(seen).toEqual([
      ['ab', true],
      ['c', false],
      ['d', false],
    ])
  })

  it('runs as many commits at once as it may', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxConcurrent: 2 })
    const all: Promise<void>[] = []
    for (const [index, item] of ['a', 'b'].entries()) {
      all.push(group.submit(item))
      await begun(index + 1)
    }
    all.push(group.submit('c'))
    await nextTurn()
    expect(commits.map(({ items }) => items)).toEqual([['a'], ['b']])
    for (const { settle } of commits) settle.resolve()
    await begun(3)
    commits[2]?.settle.resolve()
    await Promise.all(all)
  })

  it('keeps to that number, however much waits', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxItems: 1, maxConcurrent: 2 })
    const all = ['a', 'b', 'c'].map((item) => group.submit(item))
    await begun(2)
    await nextTurn()
    expect(commits).toHaveLength(2)
    commits[1]?.settle.resolve()
    await begun(3)
    for (const { settle } of commits) settle.resolve()
    await Promise.all(all)
  })

  it('starts nothing but full batches beside a commit, where it is told so', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxConcurrent: 3, overlap: 'full batch' })
    const all = [group.submit('a')]
    await begun(1)
    all.push(group.submit('b'), group.submit('c'))
    await nextTurn()
    expect(commits).toHaveLength(1)
    all.push(group.submit('d'), group.submit('e'))
    await begun(2)
    commits[0]?.settle.resolve()
    await all[0]
    await nextTurn()
    expect(commits.map(({ items }) => items)).toEqual([['a'], ['b', 'c', 'd']])
    commits[1]?.settle.resolve()
    await begun(3)
    expect(commits[2]?.items).toEqual(['e'])
    commits[2]?.settle.resolve()
    await Promise.all(all)
  })

  it('takes a batch that is full by its bytes for a full one', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxConcurrent: 2, maxSize: 5, overlap: 'full batch' })
    const all = [group.submit('a')]
    await begun(1)
    all.push(group.submit('bbbbb'))
    await begun(2)
    expect(commits[1]?.items).toEqual(['bbbbb'])
    for (const { settle } of commits) settle.resolve()
    await Promise.all(all)
  })

  it('lets a batch wait for more under load, until it is large enough or its time is up', async () => {
    const { commits, commit } = gatedCommits()
    const group = create({ commit, maxItems: 100, gather: { maxMs: 60_000, enough: 5 } })
    const all = ['a', 'b'].map((item) => group.submit(item))
    await nextTurn()
    expect(commits).toEqual([])
    all.push(...['c', 'd', 'e'].map((item) => group.submit(item)))
    await nextTurn()
    expect(commits.map(({ items }) => items.join(''))).toEqual(['abcde'])
    commits[0]?.settle.resolve()
    await Promise.all(all)
  })

  it('ends the wait for more when nothing comes', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxItems: 100, gather: { maxMs: 60, enough: 50 } })
    const all = Array.from({ length: 10 }, () => group.submit('a'))
    await nextTurn()
    expect(commits).toEqual([])
    await begun(1)
    expect(commits[0]?.items).toHaveLength(10)
    commits[0]?.settle.resolve()
    await Promise.all(all)
  })

  it('waits for no more when it is disposed', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxItems: 100, gather: { maxMs: 60_000, enough: 50 } })
    const all = ['a', 'b'].map((item) => group.submit(item))
    await nextTurn()
    const disposed = group[Symbol.asyncDispose]()
    await begun(1)
    commits[0]?.settle.resolve()
    await Promise.all([...all, disposed])
    expect(commits.map(({ items }) => items)).toEqual([['a', 'b']])
  })

  it('waits for everything submitted when it is disposed', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    let isDisposed = false
    const disposed = group[Symbol.asyncDispose]().then(() => (isDisposed = true))
    await begun(1)
    expect(isDisposed).toBe(false)
    commits[0]?.settle.resolve()
    await Promise.all([first, disposed])
  })
})
