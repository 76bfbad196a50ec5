import { backoffMs, type BatchPolicy } from '@warmhook/queue/catalog'
import { retry, type Outcome } from '@warmhook/queue/outcome'
import type { EventJob, EventProgress } from '@warmhook/schema/event-job'
import type { EventRef } from '@warmhook/schema/event-ref'
import type { DeliveryRecord } from '@warmhook/store/deliveries/record-deliveries'

export interface OutcomeTerms {
  readonly policy: BatchPolicy
  /** For events without their own count: jobs of a former version counted attempts for all their events together. */
  readonly attemptsMade: number
  readonly now: number
  readonly random: () => number
}

export interface JobResults {
  readonly records: readonly DeliveryRecord[]
  /** The job for the next attempt. */
  readonly left: EventJob
  readonly reasons: ReadonlySet<string>
}

/** How long a held event waits if the peer does not say, plus up to a quarter at random. */
const holdMs = 60_000

/** Applies outcomes to a job's `handled` events. Each event has its own attempt count and due time. */
export function applyOutcomes(
  job: EventJob,
  handled: ReadonlySet<string>,
  outcomes: ReadonlyMap<string, Outcome>,
  terms: OutcomeTerms,
): JobResults {
  const records: DeliveryRecord[] = []
  const events: EventRef[] = []
  const dead = [...job.dead]
  const progress = new Map(job.progress)
  const reasons = new Set<string>()
  // Drawn once, so that events that failed together are retried together.
  const draw = terms.random()
  for (const event of job.events) {
    if (!handled.has(event.id)) {
      events.push(event)
      continue
    }
    const outcome = outcomes.get(event.id) ?? retry('the handler returned no outcome')
    const before = job.progress.get(event.id)?.attempts ?? terms.attemptsMade
    const next = toProgress(outcome, before, draw, terms)
    progress.delete(event.id)
    if (outcome.status === 'done') {
      records.push({ eventId: event.id, status: 'done', note: outcome.note })
      continue
    }
    reasons.add(outcome.reason)
    const status = next === undefined ? 'dead' : 'failing'
    records.push({ eventId: event.id, status, note: outcome.reason, isAttempt: outcome.status !== 'hold' })
    if (next === undefined) dead.push(event)
    else {
      events.push(event)
      progress.set(event.id, next)
    }
  }
  return { records, left: { ...job, events, dead, progress }, reasons }
}

/** Undefined if the event is not retried. */
function toProgress(
  outcome: Outcome,
  attempts: number,
  draw: number,
  { policy, now }: OutcomeTerms,
): EventProgress | undefined {
  switch (outcome.status) {
    case 'done':
    case 'discard':
      return undefined
    case 'hold':
      return { attempts, notBefore: outcome.notBefore ?? now + Math.round(holdMs * (1 + draw / 4)) }
    case 'retry': {
      const failed = attempts + 1
      if (failed >= policy.attempts) return undefined
      return { attempts: failed, notBefore: outcome.notBefore ?? now + backoffMs(policy, failed, () => draw) }
    }
  }
}

/** When the first of the job's events is due, in ms since the epoch. Events without an attempt are due immediately. */
export function nextDueAt({ events, progress }: EventJob): number {
  return events.reduce((due, { id }) => Math.min(due, progress.get(id)?.notBefore ?? 0), Number.POSITIVE_INFINITY)
}

/** The job's events that are due. */
export function dueEvents({ events, progress }: EventJob, now: number): readonly EventRef[] {
  return events.filter(({ id }) => (progress.get(id)?.notBefore ?? 0) <= now)
}
