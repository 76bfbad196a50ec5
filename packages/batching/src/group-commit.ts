import { setImmediate as nextTurn } from 'node:timers/promises'
import { cutBatches, type BatchLimits } from './cut-batches.ts'
import { createGathering, type GatherPolicy } from './gathering.ts'

/** The item has waited too long for its turn, and was not committed. */
export class WaitedTooLongError extends Error {
  override readonly name = 'WaitedTooLongError'
}

/** A commit has not ended in time; whether it will is not known. */
export class CommitTimeoutError extends Error {
  override readonly name = 'CommitTimeoutError'
  readonly code = 'ETIMEDOUT'
}

/**
 * What may start beside a commit that runs. `any batch`: nothing waits, best where a commit mostly waits for a peer.
 * `full batch`: a few items rather wait and go together, best where a commit is work for this machine.
 */
export type Overlap = 'any batch' | 'full batch'

export interface GroupCommitOptions<Item> extends BatchLimits {
  /** Makes one batch durable; all its items succeed or fail with it. `isFull`: others are waiting for the next one already. */
  readonly commit: (items: readonly Item[], isFull: boolean) => Promise<void>
  /** The item's share of `maxSize`. */
  readonly sizeOf: (item: Item) => number
  /** A commit that takes longer fails, so that one that hangs does not hold up those behind it. It may still have its effect. */
  readonly timeLimitMs: number
  /** Commits that may run at once: with two, the next batch is on its way while the first is confirmed. */
  readonly maxConcurrent: number
  /** An item that has waited longer is refused when its turn comes: its caller has given up. By default none is. */
  readonly maxWaitMs?: number
  /** By default any batch; without a meaning where one commit runs at once. */
  readonly overlap?: Overlap
  /** Under load, a batch waits for more items by this policy. By default it starts as soon as it may. */
  readonly gather?: GatherPolicy
}

export interface GroupCommit<Item> extends AsyncDisposable {
  /**
   * Resolves once the item's batch is durable.
   *
   * @throws WaitedTooLongError when its turn came too late, CommitTimeoutError when the commit takes too long; else what `commit` threw
   */
  submit(item: Item): Promise<void>
  readonly waiting: number
}

interface Waiter<Item> {
  readonly item: Item
  readonly size: number
  readonly since: number
  readonly settle: PromiseWithResolvers<void>
}

/**
 * Lets what arrives together, or during a commit, share the next one. Idle, an item is committed alone and at once; busy,
 * batches grow by themselves, and with `gather` they also wait a few ms for more. Whoever submits bounds what waits: the
 * ingress by the bytes of its requests, a worker by the jobs that it has in progress.
 */
export function createGroupCommit<Item>(options: GroupCommitOptions<Item>): GroupCommit<Item> {
  const { maxItems, maxSize, maxConcurrent, overlap = 'any batch', maxWaitMs = Infinity } = options
  const commit = withinLimit(options)
  const gathering = options.gather && createGathering(options.gather)
  let waiting: Waiter<Item>[] = []
  const running = new Set<Promise<void>>()
  let isClosing = false

  function startCommits(): void {
    waiting = refuseOld(waiting, maxWaitMs)
    while (waiting.length > 0 && (running.size === 0 || mayOverlap())) {
      const gatherMs = remainingGatherMs()
      if (gatherMs > 0) return startLater(gatherMs)
      const free = overlap === 'any batch' ? maxConcurrent - running.size : 1
      const [batch = []] = cutBatches(waiting.slice(0, free * maxItems), sizeOfWaiter, { maxItems, maxSize })
      waiting = waiting.slice(batch.length)
      const run = commitBatch(batch, waiting.length > 0, commit).finally(() => {
        running.delete(run)
        startCommits()
      })
      running.add(run)
    }
  }

  function mayOverlap(): boolean {
    return running.size < maxConcurrent && (overlap === 'any batch' || isBatchFull())
  }

  function isBatchFull(): boolean {
    return waiting.length >= maxItems || waiting.reduce((sum, { size }) => sum + size, 0) >= maxSize
  }

  function remainingGatherMs(): number {
    const [oldest] = waiting
    if (gathering === undefined || oldest === undefined || isClosing || isBatchFull()) return 0
    return gathering.waitMs({ count: waiting.length, since: oldest.since }, performance.now())
  }

  let later: NodeJS.Timeout | undefined

  /** What comes meanwhile can end the wait before, or make it longer. */
  function startLater(ms: number): void {
    later ??= setTimeout(() => {
      later = undefined
      startCommits()
    }, ms)
  }

  let isStarting = false

  /** At the end of this turn of the event loop, so that what came with it goes along. */
  function start(): void {
    if (isStarting || running.size >= maxConcurrent) return
    isStarting = true
    setImmediate(() => {
      isStarting = false
      startCommits()
    })
  }

  return {
    submit(item) {
      const settle = Promise.withResolvers<void>()
      const since = performance.now()
      waiting.push({ item, size: options.sizeOf(item), since, settle })
      gathering?.note(since)
      start()
      return settle.promise
    },
    get waiting() {
      return waiting.length
    },
    async [Symbol.asyncDispose]() {
      // What is to start does so by the next turn, and what waits follows what runs.
      isClosing = true
      await nextTurn()
      clearTimeout(later)
      startCommits()
      while (running.size > 0) await Promise.all(running)
    },
  }
}

/** They stand in the order of their arrival. */
function refuseOld<Item>(waiting: Waiter<Item>[], maxWaitMs: number): Waiter<Item>[] {
  const oldest = performance.now() - maxWaitMs
  const fresh = waiting.findIndex(({ since }) => since >= oldest)
  const old = fresh === -1 ? waiting : waiting.slice(0, fresh)
  if (old.length === 0) return waiting
  for (const { settle } of old) settle.reject(new WaitedTooLongError('too much is waiting to be written'))
  return waiting.slice(old.length)
}

function sizeOfWaiter({ size }: Waiter<unknown>): number {
  return size
}

function withinLimit<Item>({ commit, timeLimitMs }: GroupCommitOptions<Item>): GroupCommitOptions<Item>['commit'] {
  return async (items, isFull) => {
    const late = Promise.withResolvers<never>()
    // Not p-timeout: it makes an error with a stack for each commit, late or not.
    const timer = setTimeout(
      () => late.reject(new CommitTimeoutError(`a group took longer than ${timeLimitMs / 1_000} s`)),
      timeLimitMs,
    )
    try {
      await Promise.race([commit(items, isFull), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

async function commitBatch<Item>(
  batch: readonly Waiter<Item>[],
  isFull: boolean,
  commit: GroupCommitOptions<Item>['commit'],
): Promise<void> {
  try {
    await commit(
      batch.map((waiter) => waiter.item),
      isFull,
    )
    for (const { settle } of batch) settle.resolve()
  } catch (error) {
    for (const { settle } of batch) settle.reject(error)
  }
}
