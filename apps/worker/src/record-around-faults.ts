import type { Database } from '@warmhook/store/database'
import { canRecord } from '@warmhook/store/events/can-record'
import type { RoutedEvent } from '@warmhook/store/events/insert-events'
import {
  recordBatches,
  type RecordedBatches,
  type RecordTerms,
  type RoutedBatch,
} from '@warmhook/store/events/record-batches'
import { isDataFault } from '@warmhook/store/is-data-fault'
import type { RefusedEnvelope } from '@warmhook/store/quarantine/record-quarantine'

/**
 * Records batches. An event that the database always rejects must not block the others: if a batch fails for this
 * reason, its events are tried one by one, and those that fail are quarantined.
 */
export async function recordAroundFaults(
  db: Database,
  batches: readonly RoutedBatch[],
  terms: RecordTerms,
): Promise<RecordedBatches> {
  try {
    return await recordBatches(db, batches, terms)
  } catch (error) {
    if (!isDataFault(error)) throw error
    const sifted: RoutedBatch[] = []
    for (const batch of batches) sifted.push(await siftBatch(db, batch))
    return recordBatches(db, sifted, terms)
  }
}

async function siftBatch(db: Database, batch: RoutedBatch): Promise<RoutedBatch> {
  const events: RoutedEvent[] = []
  const refused = [...batch.refused]
  for (const event of batch.events) {
    const fault = await canRecord(db, event)
    if (fault === undefined) events.push(event)
    else refused.push(toRefused(event, fault))
  }
  return { ...batch, events, refused }
}

function toRefused({ event, raw, contentEncoding, deliveryId }: RoutedEvent, message: string): RefusedEnvelope {
  const { id, owner, source, receivedAt } = event
  const issue = 'not storable'
  return {
    id,
    owner,
    source,
    receivedAt,
    issue,
    issues: [{ code: 'not_storable', path: [], message }],
    raw,
    contentEncoding,
    deliveryId,
  }
}
