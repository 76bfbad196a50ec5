import { randomFillSync } from 'node:crypto'
import { encodeBody, type Envelope } from '@warmhook/schema/envelope'
import { v7 as formatUuidV7 } from 'uuid'

interface EnvelopeInput {
  readonly source: string
  readonly owner: string
  readonly body: Uint8Array
  /** Of the body; undefined: none. */
  readonly contentEncoding?: string | undefined
  readonly deliveryId: string | undefined
}

/** Gives a body its identity. */
export type CreateEnvelope = (input: EnvelopeInput) => Envelope

export interface EnvelopeFactory {
  readonly create: CreateEnvelope
  /** The time in the latest id; 0 before the first. */
  readonly latest: number
  /** Ids to come sort after all ids of this time (ms since the epoch), which another process may have made. */
  startAfter(time: number): void
}

/**
 * Makes envelopes whose ids sort in the order of the calls, also when the clock (ms since the epoch) is set back.
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
        // A clock that was set back for long: this millisecond has no ids left.
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

/** RFC 9562 section 6.2, method 1: the counter of a new millisecond starts at random, with half of its range left to count. */
function firstSeq(random: Buffer): number {
  return random.readUInt32BE() >>> 1
}

/** Bytes of JSON that the envelope takes in a job, at most: a character that `encodeBody` lets through doubles if escaped. */
export function envelopeBytes({ body, encoding, contentEncoding = '', deliveryId = '' }: Envelope): number {
  const bodyBytes = encoding === 'utf8' ? 2 * Buffer.byteLength(body) : body.length
  return bodyBytes + 6 * (contentEncoding.length + deliveryId.length) + frameBytes
}

// Field names, id, time, punctuation, and an owner of 100 characters.
const frameBytes = 800

/** Strong random bytes, sixteen at a time, drawn for many ids at once: a call to the generator costs more than all the rest. */
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
