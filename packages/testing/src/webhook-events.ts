import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import type { MailboxEvent } from '@warmhook/schema/mailbox-event'
import { readEnvelope } from '@warmhook/schema/read-envelope'
import type { RoutedEvent } from '@warmhook/store/events/insert-events'

/** Creates envelopes with ids and times that increase from `start` (ms since the epoch), so that they sort in order. */
export function createEnvelopes(
  start = Date.now() - 3_600_000,
): (body: string | object, at?: number, deliveryId?: string) => Envelope {
  let count = 0
  return (body, at, deliveryId) => {
    count += 1
    const receivedAt = at ?? start + count * 1_000
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const id = toUuid(receivedAt, count)
    return {
      id,
      source: 'mailivery',
      owner: 'acme',
      receivedAt,
      ...encodeBody(bytes),
      ...(deliveryId === undefined ? {} : { deliveryId }),
    }
  }
}

/** The routed event for a valid envelope. */
export function toRouted(envelope: Envelope, handlers: readonly string[] = ['pause-tracking']): RoutedEvent {
  const verdict = readEnvelope(envelope)
  if (!verdict.ok) throw new Error(`not an event: ${verdict.issue}`)
  const { event, payloadHash, warnings } = verdict
  return {
    event,
    warnings,
    contentEncoding: undefined,
    raw: Buffer.from(envelope.body, envelope.encoding),
    payloadHash,
    deliveryId: envelope.deliveryId,
    handlers,
  }
}

/** The event in an envelope. */
export function toEvent(envelope: Envelope): MailboxEvent {
  return toRouted(envelope).event
}

/** RFC 9562 section 5.7, with a counter where the random bits go. */
function toUuid(ms: number, count: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count.toString(16).padStart(12, '0')}`
}
