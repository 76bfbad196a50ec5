import { intakeQueue } from '@warmhook/queue/catalog'
import { createGroupCommit } from '@warmhook/batching/group-commit'
import type { BatchContext } from '@warmhook/queue/start-batch-worker'
import type { EnvelopeBatch } from '@warmhook/schema/batch'
import type { Database } from '@warmhook/store/database'
import type { RecordTerms, RoutedBatch } from '@warmhook/store/events/record-batches'
import type { OutboxJob } from '@warmhook/store/outbox/owed-event'
import { readInSandbox, splitIntakeJob, type EnvelopeIsolation } from './isolate-envelopes.ts'
import { orUnavailable } from './or-unavailable.ts'
import { readBatch } from './read-batch.ts'
import { recordAroundFaults } from './record-around-faults.ts'
import { sandboxAfterStalls, splitAfterStalls } from './sandbox/suspicion.ts'
import type { SubscriptionWatch } from './watch-subscriptions.ts'

export interface RouterDeps {
  readonly db: Database
  /** Of a body that came compressed, when it is inflated. */
  readonly maxBodyBytes: number
  readonly terms: RecordTerms
  /** Puts jobs into the handlers' queues, or leaves them to the sweeper. */
  readonly enqueue: (jobs: readonly OutboxJob[]) => Promise<void>
  readonly subscriptions: Pick<SubscriptionWatch, 'byType'>
  readonly isolation: EnvelopeIsolation
}

/** Jobs whose envelopes are recorded together, at most: their locks must fit Postgres's shared table of locks. */
export const maxGroupedJobs = 16
const maxGroupedBytes = 512 * 1024
/** In jobs. A transaction also makes one job per handler, so under load it waits for more: measured in decision 013. */
const gather = { maxMs: 50, enough: 16 }

/**
 * Validates, deduplicates and records batches, then gives each handler its events. Jobs that come while a transaction runs
 * share the next one, so that a backlog of small batches costs no more than one of large ones. Every step can be
 * repeated after a crash: rows are keyed by envelope, and what a handler owes is written with the events.
 *
 * The returned function throws UnavailableError when the database, or Redis for the splitting of a job, is unreachable.
 */
export function createRouter(deps: RouterDeps): (context: BatchContext<EnvelopeBatch>) => Promise<void> {
  const group = createGroupCommit<RoutedBatch>({
    commit: (batches) => routeBatches(batches, deps),
    sizeOf: ({ events, refused }) => [...events, ...refused].reduce((sum, { raw }) => sum + raw.length, 0),
    maxItems: maxGroupedJobs,
    maxSize: maxGroupedBytes,
    timeLimitMs: intakeQueue.policy.timeoutMs,
    maxConcurrent: 2,
    overlap: intakeQueue.policy.overlap,
    gather,
  })
  return async (context) => {
    const { jobId, payload, stalledCount } = context
    const [envelope, another] = payload.envelopes
    if (stalledCount >= splitAfterStalls && another !== undefined)
      return orUnavailable('database or Redis', () => splitIntakeJob(context, deps.isolation))
    const isSuspect = stalledCount >= sandboxAfterStalls && envelope !== undefined
    const refused = isSuspect
      ? await readInSandbox(envelope, deps.maxBodyBytes, context.signal, deps.isolation)
      : undefined
    if (refused === undefined)
      return group.submit(await readBatch(jobId, payload, deps.subscriptions.byType, deps.maxBodyBytes))
    return group.submit({ id: jobId, isReplay: payload.replay === true, events: [], refused: [refused] })
  }
}

async function routeBatches(batches: readonly RoutedBatch[], deps: RouterDeps): Promise<void> {
  const { jobs } = await orUnavailable('database', () => recordAroundFaults(deps.db, batches, deps.terms))
  await deps.enqueue(jobs.filter(({ isQueued }) => isQueued))
}
