import type { ContactRecord, ContactResult, UpsertTerms } from './crm-provider.ts'
import { fullBatches, writeInParts, type RowResult, type WriteDeps } from './write-in-parts.ts'

export interface WriteOneDeps extends Omit<WriteDeps, 'write'> {
  readonly writeOne: (record: ContactRecord, signal: AbortSignal) => Promise<RowResult>
}

/** Writes each record by itself, for vendors that write one contact per call. */
export function writeOneByOne(
  records: readonly ContactRecord[],
  terms: Pick<UpsertTerms, 'signal' | 'isFirst'>,
  { writeOne, ...deps }: WriteOneDeps,
): Promise<ReadonlyMap<string, ContactResult>> {
  return writeInParts(fullBatches(records, 1), terms, {
    ...deps,
    async write([record], signal) {
      if (record === undefined) return { isWhole: false, rows: new Map() }
      const result = await writeOne(record, signal)
      return result.status === 'failed'
        ? { isWhole: true, answerClass: result.answerClass }
        : { isWhole: false, rows: new Map([[record.traceId, result]]) }
    },
  })
}
