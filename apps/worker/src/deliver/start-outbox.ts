import type { ResourceScope } from '@warmhook/lifecycle/resource-scope'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import type { Database } from '@warmhook/store/database'
import type { RecordTerms } from '@warmhook/store/events/record-batches'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import type { Redis } from 'ioredis'
import type { SubscriptionWatch } from '../watch-subscriptions.ts'
import type { WorkerMetrics } from '../worker-metrics.ts'
import { enqueueJobs } from './enqueue-jobs.ts'
import { openHandlerQueues } from './handler-queues.ts'
import { planJobs } from './plan-jobs.ts'
import { startSweeper } from './start-sweeper.ts'
import { createSweeper } from './sweep-outbox.ts'
import { watchRoom } from './watch-room.ts'

export interface OutboxDeps {
  readonly db: Database
  readonly connection: Redis
  readonly prefix: string
  readonly subscriptions: Pick<SubscriptionWatch, 'handlers'>
  readonly metrics: WorkerMetrics
  readonly onError: (error: unknown) => void
  readonly onSweepError: (error: unknown) => void
}

/** Plans owed jobs and adds them to the handlers' queues. */
export interface Outbox {
  readonly plan: RecordTerms['plan']
  readonly enqueue: (jobs: readonly OutboxJob[]) => Promise<void>
  readonly add: (handler: string) => (job: BatchJob<unknown>) => Promise<void>
}

/** The batch size for a handler that no worker has announced. */
const usualBatchMax = 100

/** Opens the handlers' queues and keeps them in sync with the outbox until the scope ends. */
export function startOutbox(scope: ResourceScope, deps: OutboxDeps): Outbox {
  const { db, connection, prefix, subscriptions, metrics, onError, onSweepError } = deps
  const queues = scope.use('queues of handlers', openHandlerQueues({ connection, prefix, onError }))
  const handlers = () => [...subscriptions.handlers.keys()]
  const room = watchRoom({ connection, queues, handlers, onError })
  scope.defer('room', () => room[Symbol.dispose]())
  const sweeper = createSweeper({ db, connection, queues, room, clock: () => performance.now() })
  scope.use('sweeper', startSweeper({ db, sweeper, metrics, onError: onSweepError }))
  const batchMaxOf = (handler: string): number => subscriptions.handlers.get(handler)?.batchMax ?? usualBatchMax
  return {
    plan: (events, replayId) => planJobs(events, replayId, { batchMaxOf, hasRoom: (handler) => room.hasRoom(handler) }),
    enqueue: (jobs) => enqueueJobs(jobs, { db, queues, onError: onSweepError }),
    add: (handler) => (job) => queues.of(handler).add(job),
  }
}
