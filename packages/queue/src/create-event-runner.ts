import { setTimeout as delay } from 'node:timers/promises'
import { describeBatch, type EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { UnrecoverableError } from 'bullmq'
import type { BatchPolicy } from './catalog.ts'
import { createGroupCommit } from './group-commit.ts'
import { halve, halveAfterDeaths, tryApartAfterDeaths, type Isolation } from './isolate-events.ts'
import { retry, type Outcome } from './outcome.ts'
import { HoldError, RetryLaterError, UnavailableError, type BatchContext } from './start-batch-worker.ts'

/** How one attempt at one event ended, for the record. */
export interface DeliveryResult {
  readonly eventId: string
  readonly status: 'done' | 'failing' | 'dead'
  readonly note: string | undefined
  /** False for an event that was held: the peer did not judge it. */
  readonly isAttempt: boolean
}

export interface EventRunnerDeps {
  readonly policy: BatchPolicy
  /** Calls of the handler that may run at once. */
  readonly maxConcurrent: number
  /** Events whose outcome is final already: a job can run again after a crash. */
  readonly finished: (eventIds: readonly string[], replayId: string | undefined) => Promise<ReadonlySet<string>>
  readonly record: (
    results: readonly DeliveryResult[],
    startedAt: number,
    replayId: string | undefined,
  ) => Promise<void>
  /** One outcome per event, in any order; an event without one is tried again. */
  readonly handle: (events: readonly MailboxEvent[], signal: AbortSignal) => Promise<ReadonlyMap<string, Outcome>>
  readonly isolation: Isolation
  readonly now: () => number
}

/** A job on its way through the handler. */
interface Run {
  readonly context: BatchContext<EventBatch>
  fates: Fates
}

/**
 * Runs a handler over the events of jobs. Jobs that wait while the handler runs share its next call, so that a stream of
 * small batches costs a slow peer no more than one of large ones. What succeeds is recorded and never run again; a job
 * keeps only the rest for its next attempt, and ends as a failed job that holds exactly the events that failed for good.
 *
 * The returned function throws RetryLaterError, HoldError, UnrecoverableError or UnavailableError, which tell the worker what
 * becomes of the job.
 */
export function createEventRunner(deps: EventRunnerDeps): (context: BatchContext<EventBatch>) => Promise<void> {
  const group = createGroupCommit<Run>({
    commit: (runs) => runTogether(runs, deps),
    sizeOf: ({ context }) => context.payload.events.length,
    maxItems: Number.POSITIVE_INFINITY,
    maxSize: deps.policy.batchMax,
    maxConcurrent: deps.maxConcurrent,
    overlap: deps.policy.overlap,
    maxWaiting: Number.POSITIVE_INFINITY,
  })
  return async (context) => {
    const run: Run = { context, fates: noFates() }
    if (context.deaths >= halveAfterDeaths && context.payload.events.length > 1)
      return orUnavailable(() => deps.isolation.split(halve(context)))
    if (context.deaths < tryApartAfterDeaths) await group.submit(run)
    else await runGroup([run], context.payload.replayId, { ...deps, handle: apart(deps.isolation) })
    return conclude(run, deps.now())
  }
}

function apart({ handleApart }: Isolation): EventRunnerDeps['handle'] {
  return async (events, signal) =>
    new Map(await Promise.all(events.map(async (event) => [event.id, await handleApart(event, signal)] as const)))
}

/** A replay is a run of its own: its events are looked up and recorded apart. */
async function runTogether(runs: readonly Run[], deps: EventRunnerDeps): Promise<void> {
  if (runs.some(({ context }) => context.isStopping())) throw new UnavailableError('the worker stops: handed back')
  const replays = Map.groupBy(runs, ({ context }) => context.payload.replayId)
  await Promise.all([...replays].map(([replayId, group]) => runGroup(group, replayId, deps)))
}

async function runGroup(runs: readonly Run[], replayId: string | undefined, deps: EventRunnerDeps): Promise<void> {
  const startedAt = deps.now()
  const all = runs.flatMap(({ context }) => context.payload.events)
  const ids = all.map((event) => event.id)
  const finished = await orUnavailable(() => deps.finished(ids, replayId))
  // An event can be in two of the jobs, after a crash of the router.
  const todo = [...new Map(all.map((event) => [event.id, event])).values()].filter((event) => !finished.has(event.id))
  const outcomes = todo.length === 0 ? new Map<string, Outcome>() : await handleAll(todo, runs, deps)
  const results = new Map<string, DeliveryResult>()
  for (const run of runs) {
    const { payload, isLastAttempt } = run.context
    run.fates = sortByFate(
      payload.events.filter((event) => !finished.has(event.id)),
      outcomes,
      isLastAttempt,
    )
    for (const result of run.fates.results) results.set(result.eventId, result)
  }
  await orUnavailable(() => deps.record([...results.values()], startedAt, replayId))
}

/** Tells the worker what becomes of the job. */
async function conclude({ context, fates }: Run, now: number): Promise<void> {
  const { payload } = context
  const dead = [...payload.dead, ...fates.dead]
  if (fates.again.length > 0) {
    await context.keep({ ...payload, events: fates.again, dead })
    const summary = `to be tried again: ${summarise(fates.again, fates.reasons)}`
    if (fates.isHeld) throw new HoldError(summary, fates.notBefore ?? now + holdMs)
    throw new RetryLaterError(summary, fates.notBefore)
  }
  if (dead.length > 0) {
    await context.keep({ ...payload, events: dead, dead: [] })
    throw new UnrecoverableError(`failed for good: ${summarise(dead, fates.reasons)}`)
  }
}

/** An exception speaks for the whole batch: the handler could not say which event it was. */
async function handleAll(
  events: readonly MailboxEvent[],
  runs: readonly Run[],
  deps: EventRunnerDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  const { timeoutMs } = deps.policy
  const signal = AbortSignal.any([...runs.map(({ context }) => context.signal), AbortSignal.timeout(timeoutMs)])
  try {
    return await within(timeoutMs + graceMs, deps.handle(events, signal))
  } catch (error) {
    if (error instanceof UnavailableError) throw error
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return new Map(events.map((event) => [event.id, retry(reason)]))
  }
}

/** How long a held event waits when the peer does not say. */
const holdMs = 60_000

/** For a handler that does not heed its signal. */
const graceMs = 5_000

async function within<T>(limitMs: number, result: Promise<T>): Promise<T> {
  const end = new AbortController()
  const late = delay(limitMs, undefined, { signal: end.signal, ref: false }).then(() => {
    throw new Error(`the handler took longer than ${limitMs} ms`)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    end.abort()
  }
}

interface Fates {
  readonly results: DeliveryResult[]
  readonly again: MailboxEvent[]
  readonly dead: MailboxEvent[]
  readonly reasons: Set<string>
  /** One event that is held holds its job: no attempt of a neighbour's is counted either. */
  isHeld: boolean
  /** The earliest time that a peer named. */
  notBefore: number | undefined
}

function noFates(): Fates {
  return { results: [], again: [], dead: [], reasons: new Set(), isHeld: false, notBefore: undefined }
}

function sortByFate(
  events: readonly MailboxEvent[],
  outcomes: ReadonlyMap<string, Outcome>,
  isLastAttempt: boolean,
): Fates {
  const fates = noFates()
  const all = events.map((event) => [event, outcomes.get(event.id) ?? retry('the handler gave no outcome')] as const)
  fates.isHeld = all.some(([, { status }]) => status === 'hold')
  for (const [event, outcome] of all) {
    if (outcome.status === 'done') {
      fates.results.push({ eventId: event.id, status: 'done', note: outcome.note, isAttempt: true })
      continue
    }
    const isDead = outcome.status === 'discard' || (isLastAttempt && !fates.isHeld)
    const isAttempt = isDead || !fates.isHeld
    fates.results.push({ eventId: event.id, status: isDead ? 'dead' : 'failing', note: outcome.reason, isAttempt })
    fates.reasons.add(outcome.reason)
    if (isDead) fates.dead.push(event)
    else fates.again.push(event)
    if (outcome.status !== 'discard') fates.notBefore = earliest(fates.notBefore, outcome.notBefore)
  }
  return fates
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

function summarise(events: readonly MailboxEvent[], reasons: ReadonlySet<string>): string {
  return `${describeBatch(events.map((event) => event.type))}${[...reasons]
    .slice(0, 3)
    .map((reason) => `; ${reason}`)
    .join('')}`
}

async function orUnavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new UnavailableError(
      `the deliveries can't be read or written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}
