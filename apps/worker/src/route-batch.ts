import { describeBatch, type EnvelopeBatch, type EventBatch } from '@warmhook/schema/batch'
import { decodeBody, type Envelope } from '@warmhook/schema/envelope'
import type { EventType, MailboxEvent } from '@warmhook/schema/mailbox-event'
import { readEnvelope } from '@warmhook/schema/read-envelope'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import { UnavailableError, type BatchContext } from '@warmhook/queue/start-batch-worker'
import type { Database } from '@warmhook/store/database'
import { recordBatch, type RoutedEvent } from '@warmhook/store/events/record-batch'
import type { RefusedEnvelope } from '@warmhook/store/quarantine/record-quarantine'

export interface RouterDeps {
  readonly db: Database
  readonly dedupeWindowMs: number
  readonly producers: readonly HandlerProducer[]
  /** The names of the handlers that get an event of each type. */
  readonly subscriptions: ReadonlyMap<EventType, readonly string[]>
}

interface HandlerProducer {
  readonly name: string
  readonly subscribes: readonly EventType[]
  readonly add: (job: BatchJob<EventBatch>) => Promise<void>
}

/**
 * Validates, deduplicates and records one batch, then gives each handler its events. Every step can be repeated after a
 * crash: rows are keyed by envelope, and the handlers' jobs by this job and the handler.
 *
 * @throws UnavailableError when the database or Redis is away
 */
export async function routeBatch(context: BatchContext<EnvelopeBatch>, deps: RouterDeps): Promise<void> {
  const { envelopes, replay = false } = context.payload
  const { events, refused } = readBatch(envelopes, deps.subscriptions)
  const recorded = await orUnavailable('database', () =>
    recordBatch(deps.db, { id: context.jobId, isReplay: replay, events, refused, dedupeWindowMs: deps.dedupeWindowMs }),
  )
  await orUnavailable('queue of a handler', () =>
    Promise.all(deps.producers.map((producer) => giveTo(producer, context.jobId, recorded.forHandlers))),
  )
}

function readBatch(
  envelopes: readonly Envelope[],
  subscriptions: RouterDeps['subscriptions'],
): { events: RoutedEvent[]; refused: RefusedEnvelope[] } {
  const events: RoutedEvent[] = []
  const refused: RefusedEnvelope[] = []
  for (const envelope of envelopes) {
    const verdict = readEnvelope(envelope)
    const { id, owner, source, receivedAt, deliveryId } = envelope
    const raw = decodeBody(envelope)
    if (verdict.ok) {
      const { event, payloadHash } = verdict
      events.push({ event, raw, payloadHash, deliveryId, handlers: subscriptions.get(event.type) ?? [] })
    } else {
      const { issue, issues } = verdict
      refused.push({ id, owner, source, receivedAt, issue, issues, raw, deliveryId })
    }
  }
  return { events, refused }
}

async function giveTo(producer: HandlerProducer, jobId: string, events: readonly MailboxEvent[]): Promise<void> {
  const subscribed = events.filter((event) => producer.subscribes.includes(event.type))
  if (subscribed.length === 0) return
  await producer.add({
    id: `${jobId}-${producer.name}`,
    name: describeBatch(subscribed.map((event) => event.type)),
    payload: { events: subscribed, dead: [] },
  })
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
