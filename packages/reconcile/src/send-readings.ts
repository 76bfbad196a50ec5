import { createHash } from 'node:crypto'
import { cutBatches } from '@warmhook/batching/cut-batches'
import type { BatchJob } from '@warmhook/queue/batch-producer'
import { describeBatch, JOB_LIMITS, jobBytes, type EnvelopeBatch } from '@warmhook/schema/batch'
import { formatUuid } from '@warmhook/schema/format-uuid'
import { toReadingEnvelope, type Reading } from '@warmhook/schema/reading'

/** Puts a job into the intake. */
export type AddToIntake = (job: BatchJob<EnvelopeBatch>) => Promise<void>

/**
 * Sends readings the way of webhooks, so that they are deduplicated, recorded and passed to the handlers like them.
 * Sending the same readings again has no effect.
 *
 * @throws EnqueueError when Redis does not confirm
 */
export async function sendReadings(owner: string, readings: readonly Reading[], add: AddToIntake): Promise<void> {
  const envelopes = readings.map((reading) => toReadingEnvelope(owner, reading))
  for (const batch of cutBatches(envelopes, jobBytes, JOB_LIMITS)) {
    const name = describeBatch(batch.map(() => 'mailbox.reconciled'))
    await add({ id: toJobId(batch.map(({ id }) => id)), name, payload: { envelopes: batch } })
  }
}

/** A UUID, as of a job whose envelopes have no numbers: see `isUnnumberedJobId`. */
function toJobId(ids: readonly string[]): string {
  const digest = createHash('sha256').update(ids.join()).digest('hex')
  return formatUuid(digest)
}
