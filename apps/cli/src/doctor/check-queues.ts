import { readQueueActivity } from '@warmhook/queue/queue-activity'
import { readQueueStatus, type QueueStatus } from '@warmhook/queue/read-queue-status'
import { readUnfinished } from '@warmhook/store/deliveries/read-unfinished'
import { readSubscriptions } from '@warmhook/store/handlers/announce-handlers'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

const slowAfterMs = 60_000
const stuckAfterMs = 600_000

/** Queues: whether workers process them, whether jobs make progress, and what has failed. */
export const checkQueues: Check = {
  name: 'queues',
  async run({ redis, prefix, queues, db, now }) {
    const names = queues.map(({ name }) => name)
    const at = now()
    const [subscriptions, activity, unfinished, statuses] = await Promise.all([
      readSubscriptions(db),
      readQueueActivity(redis, prefix, names),
      readUnfinished(db),
      Promise.all(queues.map((queue) => readQueueStatus(redis, queue, at))),
    ])
    return statuses.flatMap((status, index) => {
      const name = names[index] ?? ''
      const { failing = 0, dead = 0 } = unfinished.get(name) ?? {}
      const { workers = 0 } = activity.get(name) ?? {}
      const isOn = name === 'intake' || subscriptions.some((subscription) => subscription.name === name)
      const findings = [assess(name, status, { at, isOn, failing, workers })]
      if (dead > 0)
        findings.push(
          warning(
            `${name}: ${dead} events are dead`,
            'See GET /api/events?status=dead for the reasons, fix the cause, and replay them (POST /api/replays).',
          ),
        )
      return findings
    })
  },
}

interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Whether routers create jobs for it. */
  readonly isOn: boolean
  readonly failing: number
  readonly workers: number
}

function assess(name: string, status: QueueStatus, { at, isOn, failing, workers }: Circumstances): Finding {
  const { waiting, active, delayed, paused, claimableSince } = status
  const hasWork = waiting + active + delayed > 0
  const retried = failing === 0 ? '' : `, ${failing} events being retried`
  const jobs = `${name}: ${waiting} jobs waiting, ${active} in progress, ${delayed} delayed${retried}`
  if (!isOn && workers === 0) {
    if (!hasWork) return ok(`${name}: not configured`)
    return problem(
      `${jobs}; no worker is configured for this handler`,
      'Configure its settings for the workers, or clear its queue.',
    )
  }
  if (workers === 0)
    return problem(`${jobs}; no worker processes this queue`, 'Start a worker, or add the queue to its WORKER_QUEUES.')
  if (paused) return warning(`${jobs}; the queue is paused`, 'Resume it on the board.')
  const taken = `${jobs}; ${workers === 1 ? '1 worker' : `${workers} workers`}`
  const lateMs = claimableSince === undefined ? 0 : at - claimableSince
  if (lateMs < slowAfterMs) return ok(taken)
  const late = `${taken}; the oldest is ${Math.round(lateMs / 1_000)} s late`
  const advice = 'Start more workers. If the queue does not get shorter, check the logs of the workers.'
  return lateMs < stuckAfterMs ? warning(late, advice) : problem(late, advice)
}
