import { eventually } from '@warmhook/testing/eventually'
import { describe, expect, it } from 'vitest'
import { BacklogFullError, createGroupCommit, type GroupCommitOptions } from './group-commit.ts'

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
    maxBytes: 100,
    maxWaiting: 10,
    ...overrides,
  })
}

describe('createGroupCommit', () => {
  it('commits a lone item at once', () => {
    const { commits, commit } = gatedCommits()
    void create({ commit }).submit('a')
    expect(commits.map(({ items }) => items)).toEqual([['a']])
  })

  it('lets what arrives during a commit share the next', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    const others = [group.submit('b'), group.submit('c')]
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
    const group = create({ commit, maxItems: 2, maxBytes: 5 })
    const all = ['a', 'b', 'c', 'd', 'eeee', 'ffff', 'gggggggg'].map((item) => group.submit(item))
    commits[0]?.settle.resolve()
    await begun(5)
    expect(commits.map(({ items }) => items)).toEqual([['a'], ['b', 'c'], ['d', 'eeee'], ['ffff'], ['gggggggg']])
    for (const { settle } of commits) settle.resolve()
    await Promise.all(all)
  })

  it('fails the callers of a failed batch and goes on with the next', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    const second = group.submit('b')
    commits[0]?.settle.reject(new Error('away'))
    await expect(first).rejects.toThrow('away')
    await begun(2)
    commits[1]?.settle.resolve()
    await expect(second).resolves.toBeUndefined()
  })

  it('refuses an item when too many wait', async () => {
    const { commits, commit, begun } = gatedCommits()
    const group = create({ commit, maxWaiting: 1 })
    const accepted = [group.submit('a'), group.submit('b')]
    await expect(group.submit('c')).rejects.toThrow(BacklogFullError)
    commits[0]?.settle.resolve()
    await begun(2)
    commits[1]?.settle.resolve()
    await Promise.all(accepted)
  })

  it('waits for everything submitted when it is disposed', async () => {
    const { commits, commit } = gatedCommits()
    const group = create({ commit })
    const first = group.submit('a')
    let isDisposed = false
    const disposed = group[Symbol.asyncDispose]().then(() => (isDisposed = true))
    await Promise.resolve()
    expect(isDisposed).toBe(false)
    commits[0]?.settle.resolve()
    await Promise.all([first, disposed])
  })
})
