import type { EnvelopeBatch } from '@warmhook/schema/batch'
import { decodeBody } from '@warmhook/schema/envelope'
import type { EventType } from '@warmhook/schema/mailbox-event'
import { isCompressed, readCompressedEnvelope, readEnvelope } from '@warmhook/schema/read-envelope'
import type { RoutedEvent } from '@warmhook/store/events/insert-events'
import type { RoutedBatch } from '@warmhook/store/events/record-batches'
import type { RefusedEnvelope } from '@warmhook/store/quarantine/record-quarantine'

/** Parses an intake job's envelopes into events and rejected envelopes. */
export async function readBatch(
  jobId: string,
  { envelopes, replay = false }: EnvelopeBatch,
  subscriptions: ReadonlyMap<EventType, readonly string[]>,
  maxBodyBytes: number,
): Promise<RoutedBatch> {
  const events: RoutedEvent[] = []
  const refused: RefusedEnvelope[] = []
  for (const envelope of envelopes) {
    const verdict = isCompressed(envelope)
      ? await readCompressedEnvelope(envelope, maxBodyBytes)
      : readEnvelope(envelope)
    const { id, owner, source, receivedAt, contentEncoding, deliveryId } = envelope
    const raw = decodeBody(envelope)
    if (verdict.ok) {
      const { event, payloadHash, warnings } = verdict
      const handlers = subscriptions.get(event.type) ?? []
      events.push({ event, warnings, raw, contentEncoding, payloadHash, deliveryId, handlers })
    } else {
      const { issue, issues } = verdict
      refused.push({ id, owner, source, receivedAt, issue, issues, raw, contentEncoding, deliveryId })
    }
  }
  return { id: jobId, isReplay: replay, events, refused }
}
