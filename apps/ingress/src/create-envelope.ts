import { randomFillSync } from 'node:crypto'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import { v7 as formatUuidV7 } from 'uuid'

interface EnvelopeInput {
  readonly source: string
  readonly owner: string
  readonly body: Uint8Array
  /** Undefined if the body is not compressed. */
  readonly contentEncoding?: string | undefined
  readonly deliveryId: string | undefined
}

/** Creates the envelope of a body. */
export type CreateEnvelope = (input: EnvelopeInput) => Envelope

export interface EnvelopeFactory {
  readonly create: CreateEnvelope
  /** The time in the latest id; 0 before the first. */
  readonly latest: number
  /** Makes new ids sort after all ids of this time (ms since the epoch), including those of other processes. */
  startAfter(time: number): void
}

/**
 * Creates envelopes whose ids sort in the order of the calls, even if the clock (ms since the epoch) is set back.
 * `receivedAt` is the time in the id, so the two always agree.
 */
export function createEnvelopeFactory(now: () => number): EnvelopeFactory {
  const drawRandom = createRandomBlocks()
  let receivedAt = 0
  let seq = 0
  return {
    create({ source, owner, body, contentEncoding, deliveryId }) {
      const random = drawRandom()
      const time = now()
      if (time > receivedAt) {
        receivedAt = time
        seq = firstSeq(random)
      } else {
        seq = (seq + 1) >>> 0
        // The clock has been behind for long: this millisecond has no ids left.
        if (seq === 0) receivedAt += 1
      }
      return {
        id: formatUuidV7({ msecs: receivedAt, seq, random }),
        source,
        owner,
        receivedAt,
        ...encodeBody(body),
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
        ...(deliveryId === undefined ? {} : { deliveryId }),
      }
    },
    get latest() {
      return receivedAt
    },
    startAfter(time) {
      if (time < receivedAt) return
      receivedAt = time + 1
      seq = 0
    },
  }
}

/** RFC 9562 section 6.2, method 1: a new millisecond's counter starts at random in the lower half of its range. */
function firstSeq(random: Buffer): number {
  return random.readUInt32BE() >>> 1
}

/** The envelope's maximum size as JSON in a job: escaping at most doubles a character that `encodeBody` passes. */
export function envelopeBytes({ body, encoding, contentEncoding = '', deliveryId = '' }: Envelope): number {
  const bodyBytes = encoding === 'utf8' ? 2 * Buffer.byteLength(body) : body.length
  return bodyBytes + 6 * (contentEncoding.length + deliveryId.length) + frameBytes
}

// Field names, id, time, punctuation and an owner of 100 characters.
const frameBytes = 800

/** Blocks of 16 cryptographically strong random bytes, generated in bulk: a generator call dominates the cost. */
function createRandomBlocks(): () => Buffer {
  const drawn = Buffer.alloc(4_096)
  let used = drawn.length
  return () => {
    if (used === drawn.length) {
      randomFillSync(drawn)
      used = 0
    }
    const block = drawn.subarray(used, used + blockBytes)
    used += blockBytes
    return block
  }
}

const blockBytes = 16
