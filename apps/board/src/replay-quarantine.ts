import { randomUUID } from 'node:crypto'
import { cutBatches } from '@warmhook/batching/cut-batches'
import { describeReplay, JOB_LIMITS, jobBytes, type EnvelopeBatch } from '@warmhook/schema/batch'
import { toReplayJobId } from '@warmhook/schema/intake-range'
import type { Database } from '@warmhook/store/database'
import { selectQuarantined, type QuarantineFilter } from '@warmhook/store/quarantine/list-quarantine'
import type { Queue } from 'bullmq'
import type { ReplayCount } from './replay-events.ts'

export interface QuarantineReplayCommand {
  readonly filter: QuarantineFilter
  readonly dryRun: boolean
}

/** Sends quarantined envelopes through the router again, with their original ids and times. */
export async function replayQuarantine(
  { filter, dryRun }: QuarantineReplayCommand,
  { db, intake }: { readonly db: Database; readonly intake: Queue },
): Promise<ReplayCount> {
  let matched = 0
  for await (const envelopes of selectQuarantined(db, filter)) {
    matched += envelopes.length
    if (dryRun) continue
    for (const batch of cutBatches(envelopes, jobBytes, JOB_LIMITS)) {
      const payload: EnvelopeBatch = { envelopes: batch, replay: true }
      const name = describeReplay(batch.map((envelope) => envelope.source))
      await intake.add(name, payload, { jobId: toReplayJobId(randomUUID()) })
    }
  }
  return { matched, enqueued: matched }
}
