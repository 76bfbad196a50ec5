import { randomUUID } from 'node:crypto'
import { cutBatches } from '@warmhook/queue/cut-batches'
import { describeBatch, JOB_LIMITS, jobBytes, type EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { EventFilter } from '@warmhook/store/events/event-filter'
import { selectReplays } from '@warmhook/store/events/select-replays'
import type { Queue } from 'bullmq'
import { removeDeadLetters } from './remove-dead-letters.ts'

export interface ReplayCommand {
  readonly filter: EventFilter
  /** Undefined: every handler that the event was given to; for dead events, those in which they are dead. */
  readonly handler: string | undefined
  readonly dryRun: boolean
}

/** How many events the filter found, and how many of them some handler gets again: in a dry run, would get. */
export interface ReplayCount {
  readonly matched: number
  readonly enqueued: number
}

/** Gives events to handlers again, as a run of its own that no earlier outcome stands in the way of. */
export async function replayEvents(
  { filter, handler, dryRun }: ReplayCommand,
  { db, handlers }: { readonly db: Database; readonly handlers: readonly Queue[] },
): Promise<ReplayCount> {
  const replayId = randomUUID()
  const replayed = new Map(handlers.map((queue) => [queue, new Set<string>()]))
  let matched = 0
  let enqueued = 0
  for await (const replays of selectReplays(db, filter, handler)) {
    matched += replays.length
    enqueued += replays.filter((replay) => handlers.some((queue) => replay.handlers.includes(queue.name))).length
    if (dryRun) continue
    for (const [queue, ids] of replayed) {
      const events = replays.filter((replay) => replay.handlers.includes(queue.name)).map(({ event }) => event)
      for (const batch of cutBatches(events, jobBytes, JOB_LIMITS)) await enqueue(queue, batch, replayId)
      for (const { id } of events) ids.add(id)
    }
  }
  for (const [queue, ids] of replayed) await removeDeadLetters(queue, ids)
  return { matched, enqueued }
}

async function enqueue(queue: Queue, events: MailboxEvent[], replayId: string): Promise<void> {
  const payload: EventBatch = { events, dead: [], replayId }
  await queue.add(`replay of ${describeBatch(events.map((event) => event.type))}`, payload, { jobId: randomUUID() })
}
