import type { Redis } from 'ioredis'

export interface MemoryWatch extends Disposable {
  /** True while Redis holds so much of its `maxmemory` that nothing should be added. */
  readonly isHigh: boolean
}

export interface MemoryWatchOptions {
  /** Of `maxmemory`, at most. At the limit itself a queue can neither take nor finish jobs (measured with BullMQ 6.7). */
  readonly maxShare: number
  readonly intervalMs: number
  readonly onError: (error: unknown) => void
}

/** Looks at Redis's memory again and again until it is disposed. A Redis without `maxmemory` is never full. */
export function watchMemory(redis: Redis, { maxShare, intervalMs, onError }: MemoryWatchOptions): MemoryWatch {
  let isHigh = false
  let isAsking = false
  const look = async (): Promise<void> => {
    if (isAsking || redis.status !== 'ready') return
    isAsking = true
    try {
      isHigh = shareOf(await redis.info('memory')) > maxShare
    } catch (error) {
      onError(error)
    } finally {
      isAsking = false
    }
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  return {
    get isHigh() {
      return isHigh
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

function shareOf(info: string): number {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const limit = bytes('maxmemory')
  return limit === 0 ? 0 : bytes('used_memory') / limit
}
