import type { Database } from '@warmhook/store/database'
import { recordBatches, type RecordedBatches, type RoutedBatch } from '@warmhook/store/events/record-batches'

/** Records one batch, as the router does. */
export function recordBatch(
  db: Database,
  { dedupeWindowMs, ...batch }: RoutedBatch & { readonly dedupeWindowMs: number },
): Promise<RecordedBatches> {
  return recordBatches(db, [batch], dedupeWindowMs)
}
