import { randomUUID } from 'node:crypto'
import { handlerQueues } from '@warmhook/handlers/registry'
import type { Database } from '@warmhook/store/database'
import type { EventFilter } from '@warmhook/store/events/event-filter'
import { selectReplays } from '@warmhook/store/events/select-replays'
import type { OutboxJob, OwedEvent } from '@warmhook/store/outbox/owed-event'
import { writeReplay } from '@warmhook/store/outbox/write-replay'
import type { Queue } from 'bullmq'
import { v7 as uuidv7 } from 'uuid'
import { removeDeadLetters } from './remove-dead-letters.ts'

export interface ReplayCommand {
  readonly filter: EventFilter
  /** Undefined: every handler of the event; for dead events, those in which they are dead. */
  readonly handler: string | undefined
  readonly dryRun: boolean
}

/** How many events match the filter, and how many of them are (or, in a dry run, would be) replayed to a handler. */
export interface ReplayCount {
  readonly matched: number
  readonly enqueued: number
}

/**
 * Replays events as a new run, regardless of earlier outcomes. They are recorded in the outbox, and the sweeper adds
 * them to the handlers' queues as there is room.
 */
export async function replayEvents(
  { filter, handler, dryRun }: ReplayCommand,
  { db, handlers }: { readonly db: Database; readonly handlers: readonly Queue[] },
): Promise<ReplayCount> {
  const replayId = randomUUID()
  const named = handlerQueues.find(({ name }) => name === handler)
  const replayed = new Map(handlerQueues.map(({ name }) => [name, new Set<string>()]))
  let matched = 0
  let enqueued = 0
  for await (const events of selectReplays(db, filter, named)) {
    const jobs = toJobs(events, replayId)
    matched += events.length
    enqueued += new Set(jobs.flatMap((job) => job.events)).size
    if (dryRun) continue
    await writeReplay(db, jobs)
    for (const job of jobs) for (const { id } of job.events) replayed.get(job.handler)?.add(id)
  }
  for (const queue of handlers) await removeDeadLetters(queue, replayed.get(queue.name) ?? new Set())
  return { matched, enqueued }
}

function toJobs(events: readonly OwedEvent[], replayId: string): readonly OutboxJob[] {
  return handlerQueues.flatMap(({ name: handler }) => {
    const own = events.filter(({ handlers }) => handlers.includes(handler))
    return own.length === 0 ? [] : [{ id: uuidv7(), handler, events: own, replayId, isQueued: false }]
  })
}
