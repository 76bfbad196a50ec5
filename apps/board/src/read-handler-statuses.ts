import { readQueueActivity } from '@warmhook/queue/queue-activity'
import { readQueueStatus } from '@warmhook/queue/read-queue-status'
import { readUnfinished } from '@warmhook/store/deliveries/read-unfinished'
import { readSubscriptions } from '@warmhook/store/handlers/announce-handlers'
import { readWaitingJobs } from '@warmhook/store/outbox/read-waiting-jobs'
import type { Queue } from 'bullmq'
import type { ReadDeps } from './board-deps.ts'

/** The status of a handler and its queue. */
export interface HandlerStatus {
  readonly name: string
  /** Jobs (batches) that are waiting or delayed in Redis, or wait in Postgres for room there. */
  readonly depth: number
  readonly active: number
  /** Age of the oldest job, waiting or delayed. */
  readonly oldestAgeMs: number | null
  /** How long there has been work that could run now. */
  readonly oldestClaimableAgeMs: number | null
  /** Age of the oldest event that is being retried. */
  readonly retryingAgeMs: number | null
  /** Events that will be retried. */
  readonly failing: number
  /** Events that failed for good. */
  readonly dead: number
  /** Events finished in the last minute. */
  readonly ratePerMinute: number
  readonly paused: boolean
  /** Whether routers create jobs for it, because some worker has its settings. */
  readonly enabled: boolean
  /** Live workers that process its queue. */
  readonly workers: number
}

type StatusDeps = Pick<ReadDeps, 'db' | 'redis' | 'prefix' | 'now'>

/** The status of each of these queues, in their order. */
export async function readHandlerStatuses(
  queues: readonly Queue[],
  { db, redis, prefix, now }: StatusDeps,
): Promise<readonly HandlerStatus[]> {
  const at = now()
  const names = queues.map(({ name }) => name)
  const [subscriptions, unfinished, outbox, activity, statuses] = await Promise.all([
    readSubscriptions(db),
    readUnfinished(db),
    readWaitingJobs(db),
    readQueueActivity(redis, prefix, names),
    Promise.all(queues.map((queue) => readQueueStatus(redis, queue, at))),
  ])
  const ageOf = (since: number | undefined): number | null => (since === undefined ? null : Math.max(0, at - since))
  return names.flatMap((name, index) => {
    const queue = statuses[index]
    if (queue === undefined) return []
    const { failing = 0, dead = 0, failingSince } = unfinished.get(name) ?? {}
    const { workers = 0, eventsPerMinute = 0 } = activity.get(name) ?? {}
    const owed = outbox.get(name)
    const waitingSince = [queue.oldestAt, owed?.since, failingSince]
    const claimableSince = queue.paused ? [] : [queue.claimableSince, owed?.since]
    return [
      {
        name,
        depth: queue.waiting + queue.delayed + (owed?.count ?? 0),
        active: queue.active,
        oldestAgeMs: ageOf(earliest(waitingSince)),
        oldestClaimableAgeMs: ageOf(earliest(claimableSince)),
        retryingAgeMs: ageOf(failingSince),
        failing,
        dead,
        ratePerMinute: eventsPerMinute,
        paused: queue.paused,
        enabled: subscriptions.some((subscription) => subscription.name === name),
        workers,
      },
    ]
  })
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
