import { hash } from 'node:crypto'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import { UnavailableError, type BatchContext } from '@warmhook/queue/start-batch-worker'
import { describeBatch, describeReplay, type EnvelopeBatch } from '@warmhook/schema/batch'
import { decodeBody, type Envelope } from '@warmhook/schema/envelope'
import { parseIntakeJobId, toIntakeJobId, toReplayJobId } from '@warmhook/schema/intake-range'
import type { Database } from '@warmhook/store/database'
import { routedBatches } from '@warmhook/store/ledger/routed-batches'
import type { RefusedEnvelope } from '@warmhook/store/quarantine/record-quarantine'
import type { Sandbox } from './sandbox/create-sandbox.ts'

export interface EnvelopeIsolation {
  readonly db: Database
  readonly addToIntake: (job: BatchJob<EnvelopeBatch>) => Promise<void>
  readonly sandbox: Sandbox | undefined
}

const readLimitMs = 40_000

/** Splits a suspect intake job into two jobs. The ledger counts their envelopes once. */
export async function splitIntakeJob(
  { jobId, payload }: BatchContext<EnvelopeBatch>,
  { db, addToIntake }: EnvelopeIsolation,
): Promise<void> {
  for (const half of await toHalves(jobId, payload, db)) await addToIntake(half)
}

/** Job ids are deterministic: splitting again produces the same jobs. */
async function toHalves(
  jobId: string,
  { envelopes, replay = false }: EnvelopeBatch,
  db: Database,
): Promise<readonly BatchJob<EnvelopeBatch>[]> {
  const middle = Math.ceil(envelopes.length / 2)
  const [head, tail] = [envelopes.slice(0, middle), envelopes.slice(middle)]
  const range = parseIntakeJobId(jobId)
  if (range !== undefined) {
    // Numbered envelopes are counted once, whether they are routed in the whole job, in a part or in both.
    const second = range.first + middle
    return [
      { id: toIntakeJobId({ ...range, last: second - 1 }), name: describe(head), payload: { envelopes: head } },
      { id: toIntakeJobId({ ...range, first: second }), name: describe(tail), payload: { envelopes: tail } },
    ]
  }
  // A job of a version without numbered envelopes is already counted if its process died after the commit.
  const isCounted = replay || (await routedBatches(db, [jobId])).has(jobId)
  return [head, tail].map((half) =>
    isCounted
      ? {
          id: toReplayJobId(toUuid(half)),
          name: describeReplay(half.map(({ source }) => source)),
          payload: { envelopes: half, replay: true },
        }
      : { id: toUuid(half), name: describe(half), payload: { envelopes: half } },
  )
}

function describe(envelopes: readonly Envelope[]): string {
  return describeBatch(envelopes.map(({ source }) => source))
}

/**
 * Reads one envelope in a separate process. Returns undefined if the process survives, otherwise the envelope to
 * quarantine.
 *
 * @throws UnavailableError if the result is inconclusive
 */
export async function readInSandbox(
  envelope: Envelope,
  maxBodyBytes: number,
  signal: AbortSignal,
  { sandbox }: EnvelopeIsolation,
): Promise<RefusedEnvelope | undefined> {
  const result = await sandbox?.({ kind: 'envelope', envelope, maxBodyBytes }, readLimitMs, signal)
  if (result === undefined || result.status === 'answered') return undefined
  if (result.status === 'inconclusive')
    throw new UnavailableError(`an envelope could not be read in a sandbox: ${result.why}`)
  const { id, owner, source, receivedAt, contentEncoding, deliveryId } = envelope
  const message = `the process that read it ended with ${result.how}, twice`
  const issues = [{ code: 'kills_its_process', path: [], message }]
  const about = { id, owner, source, receivedAt, contentEncoding, deliveryId }
  return { ...about, issue: 'kills its process', issues, raw: decodeBody(envelope) }
}

/** Intake jobs without numbers have UUIDs as ids, here of version 8 (custom, RFC 9562 section 5.8). */
function toUuid(envelopes: readonly Envelope[]): string {
  const hex = hash('sha256', envelopes.map(({ id }) => id).join())
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
