import { jsonBytes } from '@warmhook/queue/group-commit'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import { v7 as uuidv7 } from 'uuid'

/** Gives a body its identity. `receivedAt` is read off the id, so the two always agree, and neither goes back in one process. */
export function createEnvelope(input: {
  readonly source: string
  readonly owner: string
  readonly body: Uint8Array
  readonly deliveryId: string | undefined
}): Envelope {
  const id = uuidv7()
  const { source, owner, body, deliveryId } = input
  return { id, source, owner, receivedAt: timeOf(id), ...encodeBody(body), ...(deliveryId === undefined ? {} : { deliveryId }) }
}

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
