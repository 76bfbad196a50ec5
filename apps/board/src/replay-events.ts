import { randomUUID } from 'node:crypto'
import { cutBatches } from '@warmhook/queue/cut-batches'
import { describeBatch, JOB_LIMITS, jobBytes, type EventBatch } from '@warmhook/schema/batch'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import type { Database } from '@warmhook/store/database'
import type { EventFilter } from '@warmhook/store/events/event-filter'
import { selectReplays } from '@warmhook/store/events/select-replays'
import type { Queue } from 'bullmq'

export interface ReplayCommand {
  readonly filter: EventFilter
  /** Undefined: every handler that the event was given to; for dead events, those in which they are dead. */
  readonly handler: string | undefined
  readonly dryRun: boolean
}

/** How many events the filter found, and how many runs of handlers were ordered for them. */
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
  let matched = 0
  let enqueued = 0
  for await (const replays of selectReplays(db, filter, handler)) {
    matched += replays.length
    for (const queue of handlers) {
      const events = replays.filter((replay) => replay.handlers.includes(queue.name)).map(({ event }) => event)
      if (dryRun) continue
      for (const batch of cutBatches(events, jobBytes, JOB_LIMITS)) await enqueue(queue, batch, replayId)
      enqueued += events.length
    }
  }
  return { matched, enqueued }
}

async function enqueue(queue: Queue, events: MailboxEvent[], replayId: string): Promise<void> {
  const payload: EventBatch = { events, dead: [], replayId }
  await queue.add(`replay of ${describeBatch(events.map((event) => event.type))}`, payload, { jobId: randomUUID() })
}
