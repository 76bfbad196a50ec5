import type { ActiveHandler } from '@warmhook/handlers/registry'
import type { HandleEvents } from '@warmhook/handlers/handler'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import { createGroupCommit } from '@warmhook/batching/group-commit'
import type { Outcome } from '@warmhook/queue/outcome'
import { RetryAtError, UnavailableError, type BatchContext } from '@warmhook/queue/start-batch-worker'
import { stuckAfterMs } from '@warmhook/queue/time-limits'
import { writeEventJob, type EventJob } from '@warmhook/schema/event-job'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { Database } from '@warmhook/store/database'
import { finishedEventIds } from '@warmhook/store/deliveries/finished-event-ids'
import { readVerdicts, type EventVerdict } from '@warmhook/store/events/read-verdicts'
import { recordDeliveries, type DeliveryRecord } from '@warmhook/store/deliveries/record-deliveries'
import { UnrecoverableError } from 'bullmq'
import { sandboxAfterStalls, splitAfterStalls } from '../sandbox/suspicion.ts'
import { applyOutcomes, dueEvents, nextDueAt, type JobResults } from './apply-outcomes.ts'
import { callHandler } from './call-handler.ts'
import { orUnavailable } from '../or-unavailable.ts'
import { readJob } from './read-job.ts'
import { splitJob } from './split-job.ts'

export interface EventRunnerDeps {
  readonly handler: ActiveHandler
  readonly db: Database
  /** Maximum concurrent calls of the handler. */
  readonly maxConcurrent: number
  /** Handles a single event that may have killed workers; undefined if no second process can be started. */
  readonly handleInSandbox: HandleEvents | undefined
  readonly add: (job: BatchJob<unknown>) => Promise<void>
  readonly observe: (records: readonly DeliveryRecord[]) => void
  readonly now: () => number
  readonly random: () => number
}

/** A job being processed. */
interface Run {
  readonly context: BatchContext<unknown>
  readonly job: EventJob
  readonly due: readonly EventRef[]
  results: JobResults | undefined
}

/**
 * Runs a handler on the events of jobs. Jobs that arrive while the handler runs share its next call, so that a slow
 * peer gets no more calls for many small batches than for a few large ones. Events that succeed are recorded and not
 * run again. A job keeps the others for its next attempt, and ends as a failed job with exactly the events that failed
 * for good.
 *
 * The returned function throws RetryAtError, UnrecoverableError or UnavailableError to tell the worker what to do with
 * the job.
 */
export function createEventRunner(deps: EventRunnerDeps): (context: BatchContext<unknown>) => Promise<void> {
  const { policy } = deps.handler
  const group = createGroupCommit<Run>({
    commit: (runs) => runTogether(runs, deps),
    sizeOf: ({ due }) => due.length,
    maxItems: Number.POSITIVE_INFINITY,
    maxSize: policy.batchMax,
    timeLimitMs: stuckAfterMs(policy),
    maxConcurrent: Math.min(deps.maxConcurrent, policy.maxCalls ?? deps.maxConcurrent),
    overlap: policy.overlap,
    ...(policy.gather === undefined ? {} : { gather: policy.gather }),
  })
  return async (context) => {
    const job = readJob(context, deps.now())
    const due = dueEvents(job, deps.now())
    // A job taken over from a dead worker can arrive before it is due.
    if (due.length === 0 && job.events.length > 0) throw new RetryAtError('not due yet', nextDueAt(job))
    const run: Run = { context, job, due, results: undefined }
    if (context.stalledCount >= splitAfterStalls && job.events.length > 1) {
      await orUnavailable('database', () => splitJob(context.jobId, job, deps))
      return conclude(context, { ...job, events: [] }, noReasons)
    }
    const { handleInSandbox } = deps
    if (context.stalledCount < sandboxAfterStalls || handleInSandbox === undefined) await group.submit(run)
    else await runGroup([run], handleInSandbox, deps)
    if (run.results === undefined) throw new Error('a run that was submitted has results')
    return conclude(context, run.results.left, run.results.reasons)
  }
}

/** Each replay is processed as a separate group: its events are looked up and recorded separately. */
async function runTogether(runs: readonly Run[], deps: EventRunnerDeps): Promise<void> {
  if (runs.some(({ context }) => context.isStopping()))
    throw new UnavailableError('the worker is stopping; the job is handed back')
  const replays = Map.groupBy(runs, ({ job }) => job.replayId)
  await Promise.all([...replays.values()].map((group) => runGroup(group, deps.handler.handle, deps)))
}

/** All `runs` belong to the same replay, or to none. */
async function runGroup(runs: readonly Run[], handle: HandleEvents, deps: EventRunnerDeps): Promise<void> {
  const { db, now, random } = deps
  const { name, policy } = deps.handler
  const replayId = runs[0]?.job.replayId
  const startedAt = now()
  const due = runs.flatMap((run) => run.due)
  const finished = await orUnavailable('database', () =>
    finishedEventIds(
      db,
      name,
      due.map(({ id }) => id),
      replayId,
    ),
  )
  // An event can be in two jobs if the sweeper has recreated one of them.
  const todo = [...new Map(due.map((event) => [event.id, event])).values()].filter(({ id }) => !finished.has(id))
  const verdicts = await orUnavailable('database', () => verdictsOn(todo, replayId, db))
  const given = todo.map((event) => ({ ...event, verdict: verdicts.get(event.id) }))
  const signals = runs.map(({ context }) => context.signal)
  const outcomes =
    todo.length === 0 ? noOutcomes : await callHandler(handle, given, { timeoutMs: policy.timeoutMs, signals })
  const records = new Map<string, DeliveryRecord>()
  for (const run of runs) {
    const { job, context } = run
    const handled = new Set(run.due.map(({ id }) => id))
    const unfinished = { ...job, events: job.events.filter(({ id }) => !finished.has(id)) }
    const terms = { policy, attemptsMade: context.attemptsMade, now: now(), random }
    run.results = applyOutcomes(unfinished, handled, outcomes, terms)
    for (const record of run.results.records) records.set(record.eventId, record)
  }
  await orUnavailable('database', () =>
    recordDeliveries(db, {
      handler: name,
      startedAt,
      finishedAt: now(),
      replayId,
      records: [...records.values()],
      settled: runs.filter((run) => left(run).length === 0).map(({ context }) => context.jobId),
      open: runs.flatMap((run) => {
        const eventIds = left(run).map(({ id }) => id)
        return eventIds.length === 0 ? [] : [{ id: run.context.jobId, eventIds }]
      }),
    }),
  )
  deps.observe([...records.values()])
}

/** Only replays need verdicts: an event that is delivered for the first time counts. */
async function verdictsOn(
  events: readonly EventRef[],
  replayId: string | undefined,
  db: Database,
): Promise<ReadonlyMap<string, EventVerdict>> {
  if (replayId === undefined || events.length === 0) return noVerdicts
  return readVerdicts(
    db,
    events.map(({ id }) => id),
  )
}

const noVerdicts: ReadonlyMap<string, EventVerdict> = new Map()

function left({ results }: Run): readonly EventRef[] {
  return results?.left.events ?? []
}

const noOutcomes: ReadonlyMap<string, Outcome> = new Map()
const noReasons: ReadonlySet<string> = new Set()

/** Tells the worker what to do with the job. */
async function conclude(context: BatchContext<unknown>, job: EventJob, reasons: ReadonlySet<string>): Promise<void> {
  const { events, dead, replayId } = job
  const why = [...reasons].slice(0, 3).join('; ')
  if (events.length > 0) {
    await orUnavailable('queue', () => context.updatePayload(writeEventJob(job)))
    throw new RetryAtError(`${events.length} events will be retried: ${why}`, nextDueAt(job))
  }
  if (dead.length > 0) {
    const failed: EventJob = { events: dead, dead: [], progress: new Map(), replayId }
    await orUnavailable('queue', () => context.updatePayload(writeEventJob(failed)))
    throw new UnrecoverableError(`${dead.length} events failed for good: ${why}`)
  }
}
