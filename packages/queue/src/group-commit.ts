import { Buffer } from 'node:buffer'
import { cutBatches, type BatchLimits } from './cut-batches.ts'

/** The producer holds as many items as it may; the caller should be asked to come back. */
export class BacklogFullError extends Error {
  override readonly name = 'BacklogFullError'
}

export interface GroupCommitOptions<Item> extends BatchLimits {
  /** Makes one batch durable; all its items succeed or fail with it. */
  readonly commit: (items: readonly Item[]) => Promise<void>
  /** The item's share of a batch, in bytes of JSON. */
  readonly sizeOf: (item: Item) => number
  /** Items that may wait for the next commit. */
  readonly maxWaiting: number
}

export interface GroupCommit<Item> extends AsyncDisposable {
  /**
   * Resolves once the item's batch is durable.
   *
   * @throws BacklogFullError when too much is waiting; else what `commit` threw
   */
  submit(item: Item): Promise<void>
  readonly waiting: number
}

interface Waiter<Item> {
  readonly item: Item
  readonly bytes: number
  readonly settle: PromiseWithResolvers<void>
}

/**
 * Lets what arrives during a commit share the next one. Idle, an item is committed alone and at once; busy, batches
 * grow by themselves. There is no timer and no minimum size.
 */
export function createGroupCommit<Item>(options: GroupCommitOptions<Item>): GroupCommit<Item> {
  let waiting: Waiter<Item>[] = []
  let running: Promise<void> | undefined

  async function commitAll(): Promise<void> {
    while (waiting.length > 0) {
      const taken = waiting
      waiting = []
      await Promise.all(
        cutBatches(taken, (waiter) => waiter.bytes, options).map((batch) => commitBatch(batch, options.commit)),
      )
    }
    running = undefined
  }

  return {
    submit(item) {
      if (waiting.length >= options.maxWaiting)
        return Promise.reject(new BacklogFullError('too many requests are waiting for the queue'))
      const settle = Promise.withResolvers<void>()
      waiting.push({ item, bytes: options.sizeOf(item), settle })
      running ??= commitAll()
      return settle.promise
    },
    get waiting() {
      return waiting.length
    },
    async [Symbol.asyncDispose]() {
      await running
    },
  }
}

/** The size of a string as JSON, in UTF-8. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

async function commitBatch<Item>(
  batch: readonly Waiter<Item>[],
  commit: GroupCommitOptions<Item>['commit'],
): Promise<void> {
  try {
    await commit(batch.map((waiter) => waiter.item))
    for (const { settle } of batch) settle.resolve()
  } catch (error) {
    for (const { settle } of batch) settle.reject(error)
  }
}
