import type { Redis } from 'ioredis'

export interface MemoryWatch extends Disposable {
  /** True while Redis uses so much of its `maxmemory` that nothing should be added. */
  readonly isHigh: boolean
  /** False if the last query failed or is still pending at the next check. The connection status does not show this. */
  readonly isAnswered: boolean
}

export interface MemoryWatchOptions {
  /** Maximum share of `maxmemory`. At 100 %, jobs can be neither taken nor finished (measured with BullMQ 6.7). */
  readonly maxShare: number
  readonly intervalMs: number
  readonly onError: (error: unknown) => void
}

/** Checks Redis's memory at intervals until disposed. A Redis without `maxmemory` is never full. */
export function watchMemory(redis: Redis, { maxShare, intervalMs, onError }: MemoryWatchOptions): MemoryWatch {
  let isHigh = false
  let isAnswered = true
  let isAsking = false
  const look = async (): Promise<void> => {
    if (isAsking) isAnswered = false
    if (isAsking || redis.status !== 'ready') return
    isAsking = true
    try {
      isHigh = shareOf(await redis.info('memory')) > maxShare
      isAnswered = true
    } catch (error) {
      isAnswered = false
      onError(error)
    } finally {
      isAsking = false
    }
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  // A new connection is checked immediately.
  redis.on('ready', () => void look())
  return {
    get isHigh() {
      return isHigh
    },
    get isAnswered() {
      return isAnswered
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

function shareOf(info: string): number {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const limit = bytes('maxmemory')
  return limit === 0 ? 0 : bytes('used_memory') / limit
}
