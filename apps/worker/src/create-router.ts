import type { BatchJob } from '@warmhook/queue/batch-producer'
import { intakeQueue, type BatchPolicy } from '@warmhook/queue/catalog'
import { cutBatches } from '@warmhook/queue/cut-batches'
import { createGroupCommit } from '@warmhook/queue/group-commit'
import { halveAfterDeaths, tryApartAfterDeaths } from '@warmhook/queue/isolate-events'
import { UnavailableError, type BatchContext } from '@warmhook/queue/start-batch-worker'
import { toEventJob } from '@warmhook/queue/to-event-job'
import { jobBytes, JOB_LIMITS, type EnvelopeBatch, type EventBatch } from '@warmhook/schema/batch'
import type { EventType, MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { RoutedBatch } from '@warmhook/store/events/record-batches'
import { readApart, splitIntakeJob, type EnvelopeIsolation } from './isolate-envelopes.ts'
import { readBatch } from './read-batch.ts'
import { recordAroundFaults } from './record-around-faults.ts'

export interface RouterDeps {
  readonly db: Database
  readonly dedupeWindowMs: number
  /** Of a body that came compressed, when it is inflated. */
  readonly maxBodyBytes: number
  readonly producers: readonly HandlerProducer[]
  /** The names of the handlers that get an event of each type. */
  readonly subscriptions: ReadonlyMap<EventType, readonly string[]>
  readonly isolation: EnvelopeIsolation
}

interface HandlerProducer {
  readonly name: string
  readonly subscribes: readonly EventType[]
  readonly policy: BatchPolicy
  readonly add: (job: BatchJob<EventBatch>) => Promise<void>
}

/** Measured once for all handlers. */
interface SizedEvent {
  readonly event: MailboxEvent
  readonly bytes: number
}

/** Jobs whose envelopes are recorded together, at most: their locks must fit Postgres's shared table of locks. */
export const maxGroupedJobs = 16
const maxGroupedBytes = 512 * 1024

/**
 * Validates, deduplicates and records batches, then gives each handler its events. Jobs that come while a transaction runs
 * share the next one, so that a backlog of small batches costs no more than one of large ones. Every step can be
 * repeated after a crash: rows are keyed by envelope, and the handlers' jobs by what is in them.
 *
 * The returned function throws UnavailableError when the database or Redis is away.
 */
export function createRouter(deps: RouterDeps): (context: BatchContext<EnvelopeBatch>) => Promise<void> {
  const group = createGroupCommit<RoutedBatch>({
    commit: (batches) => routeBatches(batches, deps),
    sizeOf: ({ events, refused }) => [...events, ...refused].reduce((sum, { raw }) => sum + raw.length, 0),
    maxItems: maxGroupedJobs,
    maxSize: maxGroupedBytes,
    maxConcurrent: 2,
    overlap: intakeQueue.policy.overlap,
    maxWaiting: Number.POSITIVE_INFINITY,
  })
  return async (context) => {
    const { jobId, payload, deaths } = context
    const [envelope, another] = payload.envelopes
    if (deaths >= halveAfterDeaths && another !== undefined)
      return orUnavailable('database or Redis', () => splitIntakeJob(context, deps.isolation))
    const isSuspect = deaths >= tryApartAfterDeaths && envelope !== undefined
    const refused = isSuspect ? await readApart(envelope, deps.maxBodyBytes, deps.isolation) : undefined
    if (refused === undefined)
      return group.submit(await readBatch(jobId, payload, deps.subscriptions, deps.maxBodyBytes))
    return group.submit({ id: jobId, isReplay: payload.replay === true, events: [], refused: [refused] })
  }
}

async function routeBatches(batches: readonly RoutedBatch[], deps: RouterDeps): Promise<void> {
  const { forHandlers } = await orUnavailable('database', () =>
    recordAroundFaults(deps.db, batches, deps.dedupeWindowMs),
  )
  const sized = forHandlers.map((event) => ({ event, bytes: jobBytes(event) }))
  await orUnavailable('queue of a handler', () =>
    Promise.all(deps.producers.flatMap((producer) => toJobs(producer, sized).map(producer.add))),
  )
}

function toJobs(
  { name, subscribes, policy }: HandlerProducer,
  sized: readonly SizedEvent[],
): readonly BatchJob<EventBatch>[] {
  const subscribed = sized.filter(({ event }) => subscribes.includes(event.type))
  const limits = { maxItems: policy.batchMax, maxSize: JOB_LIMITS.maxSize }
  return cutBatches(subscribed, ({ bytes }) => bytes, limits).map((batch) =>
    toEventJob(name, { events: batch.map(({ event }) => event), dead: [] }),
  )
}

async function orUnavailable<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new UnavailableError(`the ${what} is away: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}
