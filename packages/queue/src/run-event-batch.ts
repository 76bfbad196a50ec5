import { describeBatch, type EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { UnrecoverableError } from 'bullmq'
import { retry, type Outcome } from './outcome.ts'
import { RetryLaterError, UnavailableError, type BatchContext } from './start-batch-worker.ts'

/** How one attempt at one event ended, for the record. */
export interface DeliveryResult {
  readonly eventId: string
  readonly status: 'done' | 'failing' | 'dead'
  readonly note: string | undefined
}

export interface EventBatchDeps {
  /** Events whose outcome is final already: a job can run again after a crash. */
  readonly finished: (eventIds: readonly string[], replayId: string | undefined) => Promise<ReadonlySet<string>>
  readonly record: (
    results: readonly DeliveryResult[],
    startedAt: number,
    replayId: string | undefined,
  ) => Promise<void>
  /** One outcome per event, in any order; an event without one is tried again. */
  readonly handle: (events: readonly MailboxEvent[], signal: AbortSignal) => Promise<ReadonlyMap<string, Outcome>>
  readonly now: () => number
}

/**
 * Runs a handler over the events of one job. What succeeds is recorded and never run again; the job keeps only the
 * rest for its next attempt, and ends as a failed job that holds exactly the events that failed for good.
 *
 * @throws RetryLaterError | UnrecoverableError | UnavailableError telling the worker what becomes of the job
 */
export async function runEventBatch(context: BatchContext<EventBatch>, deps: EventBatchDeps): Promise<void> {
  const { payload } = context
  const startedAt = deps.now()
  const ids = payload.events.map((event) => event.id)
  const finished = await orUnavailable(() => deps.finished(ids, payload.replayId))
  const todo = payload.events.filter((event) => !finished.has(event.id))
  const outcomes = todo.length === 0 ? new Map<string, Outcome>() : await handleAll(todo, context.signal, deps)
  const sorted = sortByFate(todo, outcomes, context.isLastAttempt)
  await orUnavailable(() => deps.record(sorted.results, startedAt, payload.replayId))
  const dead = [...payload.dead, ...sorted.dead]
  if (sorted.again.length > 0) {
    await context.keep({ ...payload, events: sorted.again, dead })
    throw new RetryLaterError(`to be tried again: ${summarise(sorted.again, sorted.reasons)}`, sorted.notBefore)
  }
  if (dead.length > 0) {
    await context.keep({ ...payload, events: dead, dead: [] })
    throw new UnrecoverableError(`failed for good: ${summarise(dead, sorted.reasons)}`)
  }
}

/** An exception speaks for the whole batch: the handler could not say which event it was. */
async function handleAll(
  events: readonly MailboxEvent[],
  signal: AbortSignal,
  deps: EventBatchDeps,
): Promise<ReadonlyMap<string, Outcome>> {
  try {
    return await deps.handle(events, signal)
  } catch (error) {
    if (error instanceof UnavailableError) throw error
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return new Map(events.map((event) => [event.id, retry(reason)]))
  }
}

interface Fates {
  readonly results: DeliveryResult[]
  readonly again: MailboxEvent[]
  readonly dead: MailboxEvent[]
  readonly reasons: Set<string>
  notBefore: number
}

function sortByFate(
  events: readonly MailboxEvent[],
  outcomes: ReadonlyMap<string, Outcome>,
  isLastAttempt: boolean,
): Fates {
  const fates: Fates = { results: [], again: [], dead: [], reasons: new Set(), notBefore: 0 }
  for (const event of events) {
    const outcome = outcomes.get(event.id) ?? retry('the handler gave no outcome')
    if (outcome.status === 'done') {
      fates.results.push({ eventId: event.id, status: 'done', note: outcome.note })
      continue
    }
    const isDead = outcome.status === 'discard' || isLastAttempt
    fates.results.push({ eventId: event.id, status: isDead ? 'dead' : 'failing', note: outcome.reason })
    fates.reasons.add(outcome.reason)
    if (isDead) fates.dead.push(event)
    else fates.again.push(event)
    if (outcome.status === 'retry') fates.notBefore = Math.max(fates.notBefore, outcome.notBefore ?? 0)
  }
  return fates
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
