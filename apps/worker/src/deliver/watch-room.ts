import type { Redis } from 'ioredis'
import { watchMemory } from '@warmhook/queue/watch-memory'
import type { HandlerQueues } from './handler-queues.ts'

/** Limits how many more jobs of a handler are added to Redis. */
export interface RoomWatch extends Disposable {
  /** For newly routed jobs. */
  hasRoom(handler: string): boolean
  /** For jobs waiting in the outbox. The last quarter is reserved for them. */
  roomFor(handler: string): number
}

export interface RoomOptions {
  readonly connection: Redis
  readonly queues: HandlerQueues
  readonly handlers: () => readonly string[]
  readonly onError: (error: unknown) => void
}

/** Below the ingress's limit, so that a backlog of handler jobs never blocks the ingress. */
const maxMemoryShare = 0.6
const intervalMs = 500
const freeShare = 0.75

/** Maximum jobs of one handler. A job is up to 30 KB; most are below 1 KB. */
const jobLimits = {
  /** Jobs that are not delayed. Jobs waiting for a retry must not keep out new ones. */
  ready: 2_000,
  /** Jobs in all states; bounds a Redis without a memory limit. */
  total: 50_000,
  /** Jobs in all states while memory is short: enough to keep a handler busy. */
  short: 64,
} as const

/** Watches the handlers' queues and Redis's memory until it is disposed. */
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
