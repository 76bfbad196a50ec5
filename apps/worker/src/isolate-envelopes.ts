import { hash } from 'node:crypto'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import type { BatchContext } from '@warmhook/queue/start-batch-worker'
import { describeBatch, describeReplay, type EnvelopeBatch } from '@warmhook/schema/batch'
import { decodeBody, type Envelope } from '@warmhook/schema/envelope'
import type { Database } from '@warmhook/store/database'
import { routedBatches } from '@warmhook/store/ledger/routed-batches'
import type { RefusedEnvelope } from '@warmhook/store/quarantine/record-quarantine'
import type { AskApart } from './apart/ask-apart.ts'

export interface EnvelopeIsolation {
  readonly db: Database
  readonly addToIntake: (job: BatchJob<EnvelopeBatch>) => Promise<void>
  readonly askApart: AskApart | undefined
}

const readLimitMs = 20_000

/** Queues the halves of a suspected intake job as jobs of their own. The ledger counts their envelopes once. */
export async function splitIntakeJob(
  { jobId, payload }: BatchContext<EnvelopeBatch>,
  { db, addToIntake }: EnvelopeIsolation,
): Promise<void> {
  const { envelopes } = payload
  // Its envelopes are counted already when its process died after the commit.
  const isCounted = payload.replay === true || (await routedBatches(db, [jobId])).has(jobId)
  const middle = Math.ceil(envelopes.length / 2)
  for (const half of [envelopes.slice(0, middle), envelopes.slice(middle)]) {
    await addToIntake({
      id: toUuid(half.map(({ id }) => id)),
      name: (isCounted ? describeReplay : describeBatch)(half.map(({ source }) => source)),
      payload: { envelopes: half, ...(isCounted ? { replay: true } : {}) },
    })
  }
}

/** Has one envelope read in a process of its own. Undefined when that survives; else the envelope for the quarantine. */
export async function readApart(
  envelope: Envelope,
  maxBodyBytes: number,
  { askApart }: EnvelopeIsolation,
): Promise<RefusedEnvelope | undefined> {
  const result = await askApart?.({ kind: 'envelope', envelope, maxBodyBytes }, readLimitMs)
  if (result === undefined || result.ok) return undefined
  const { id, owner, source, receivedAt, contentEncoding, deliveryId } = envelope
  const message = `the process that read it ended with ${result.death}`
  const issues = [{ code: 'kills_its_process', path: [], message }]
  const about = { id, owner, source, receivedAt, contentEncoding, deliveryId }
  return { ...about, issue: 'kills its process', issues, raw: decodeBody(envelope) }
}

/** The same envelopes again are the same job. Intake jobs go by UUIDs: RFC 9562 section 5.8 leaves version 8 to us. */
function toUuid(ids: readonly string[]): string {
  const hex = hash('sha256', ids.join())
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
