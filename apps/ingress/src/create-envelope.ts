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
  const generator = new V7Generator(createRandomNumbers())
  let latest = 0
  return ({ source, owner, body, deliveryId }) => {
    latest = Math.max(latest, now())
    const uuid = generator.generateOrResetCore(latest, rollbackAllowanceMs)
    return {
      id: uuid.toString(),
      source,
      owner,
      receivedAt: timeOf(uuid.bytes),
      ...encodeBody(body),
      ...(deliveryId === undefined ? {} : { deliveryId }),
    }
  }
}

// `latest` never goes back, but the generator runs ahead of it when one millisecond has no ids left.
const rollbackAllowanceMs = 10_000

/** Bytes of JSON that the envelope takes in a job, at most: a character that `encodeBody` lets through doubles if escaped. */
export function envelopeBytes({ body, encoding, deliveryId = '' }: Envelope): number {
  return (encoding === 'utf8' ? 2 * Buffer.byteLength(body) : body.length) + 6 * deliveryId.length + frameBytes
}

// Field names, id, time, punctuation, and an owner of 100 characters.
const frameBytes = 800

/** RFC 9562 section 5.7: the first 48 bits are milliseconds since the epoch. */
function timeOf(bytes: Readonly<Uint8Array>): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return view.getUint32(0) * 2 ** 16 + view.getUint16(4)
}

/** Strong random numbers, drawn a thousand at a time: a call to the generator costs more than the rest of an envelope. */
function createRandomNumbers(): { readonly nextUint32: () => number } {
  const drawn = new Uint32Array(1_024)
  let used = drawn.length
  return {
    nextUint32() {
      if (used === drawn.length) {
        crypto.getRandomValues(drawn)
        used = 0
      }
      return drawn[used++] ?? 0
    },
  }
}
