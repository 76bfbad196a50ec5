import type { Redis } from 'ioredis'
import { watchMemory } from '@warmhook/queue/watch-memory'
import type { HandlerQueues } from './handler-queues.ts'

/** Tells how many more jobs of a handler Redis should hold. */
export interface RoomWatch extends Disposable {
  /** For jobs that were routed just now. */
  hasRoom(handler: string): boolean
  /** For jobs that wait in the outbox. They get the last quarter for themselves. */
  roomFor(handler: string): number
}

export interface RoomOptions {
  readonly connection: Redis
  readonly queues: HandlerQueues
  readonly handlers: () => readonly string[]
  readonly onError: (error: unknown) => void
}

/** Below the ingress's own mark: a backlog of handlers must never be what it finds. */
const maxMemoryShare = 0.6
const intervalMs = 500
const freeShare = 0.75

/** Jobs of one handler, at most. A job holds up to 30 KB, most hold less than one. */
const jobLimits = {
  /** Ready to be taken. What failed and waits for its time must not keep out what is new. */
  ready: 2_000,
  /** Of all states; bounds a Redis that has no limit of its own. */
  total: 50_000,
  /** Of all states, while memory is short: enough for a handler that works. */
  short: 64,
} as const

/** Looks at the queues of handlers and at Redis's memory until it is disposed. */
export function watchRoom({ connection, queues, handlers, onError }: RoomOptions): RoomWatch {
  const memory = watchMemory(connection, { maxShare: maxMemoryShare, intervalMs, onError })
  const counts = new Map<string, { readonly ready: number; readonly total: number }>()
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking || connection.status !== 'ready') return
    isLooking = true
    try {
      for (const handler of handlers()) counts.set(handler, await countJobs(queues, handler))
    } catch (error) {
      onError(error)
    } finally {
      isLooking = false
    }
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  const room = (handler: string, share: number): number => {
    const { ready, total } = counts.get(handler) ?? nothing
    if (memory.isHigh) return jobLimits.short * share - total
    return Math.min(jobLimits.ready * share - ready, jobLimits.total * share - total)
  }
  return {
    hasRoom: (handler) => room(handler, freeShare) > 0,
    roomFor: (handler) => Math.max(0, Math.floor(room(handler, 1))),
    [Symbol.dispose]() {
      clearInterval(timer)
      memory[Symbol.dispose]()
    },
  }
}

const nothing = { ready: 0, total: 0 }

async function countJobs(queues: HandlerQueues, handler: string) {
  const counts = await queues.of(handler).queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed')
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { ready: total - (counts['delayed'] ?? 0), total }
}
