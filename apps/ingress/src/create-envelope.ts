import { jsonBytes } from '@warmhook/queue/group-commit'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import { V7Generator } from 'uuidv7'

interface EnvelopeInput {
  readonly source: string
  readonly owner: string
  readonly body: Uint8Array
  readonly deliveryId: string | undefined
}

/** Gives a body its identity. */
export type CreateEnvelope = (input: EnvelopeInput) => Envelope

/**
 * Makes envelopes whose ids sort in the order of the calls, also when the clock (ms since the epoch) is set back.
 * `receivedAt` is read off the id, so the two always agree.
 */
export function createEnvelopeFactory(now: () => number): CreateEnvelope {
  const generator = new V7Generator()
  let latest = 0
  return ({ source, owner, body, deliveryId }) => {
    latest = Math.max(latest, now())
    const id = generator.generateOrResetCore(latest, rollbackAllowanceMs).toString()
    return {
      id,
      source,
      owner,
      receivedAt: timeOf(id),
      ...encodeBody(body),
      ...(deliveryId === undefined ? {} : { deliveryId }),
    }
  }
}

// `latest` never goes back, but the generator runs ahead of it when one millisecond has no ids left.
const rollbackAllowanceMs = 10_000

/** Bytes of JSON that the envelope takes in a job. */
export function envelopeBytes(envelope: Envelope): number {
  return jsonBytes(envelope.body) + jsonBytes(envelope.owner) + jsonBytes(envelope.deliveryId ?? '') + fixedBytes
}

// Field names, id, time and punctuation.
const fixedBytes = 180

/** RFC 9562 section 5.7: the first 48 bits are milliseconds since the epoch. */
function timeOf(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)
}
