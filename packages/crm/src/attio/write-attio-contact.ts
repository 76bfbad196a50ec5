import type { CrmAnswer } from '../crm-client.ts'
import type { ContactRecord } from '../crm-provider.ts'
import type { PartAnswer, RowResult } from '../write-in-parts.ts'
import type { AttioCalls } from './attio-calls.ts'
import { classifyAnswer, isRecordMissing } from './classify-answer.ts'
import { readFoundRecords, readWrittenId } from './read-attio-contacts.ts'
import { toAttioValues } from './to-attio-values.ts'

export interface WriteAttioDeps {
  readonly calls: AttioCalls
  readonly now: () => number
}

/**
 * Creates or updates a person by e-mail. The name is not sent: Attio does not tell beforehand whether it creates a
 * person, and would replace the name of an existing one.
 */
export async function upsertContact(
  { email, traceId, values }: ContactRecord,
  signal: AbortSignal,
  { calls, now }: WriteAttioDeps,
): Promise<PartAnswer> {
  return toPartAnswer(traceId, await calls.assert(email, toAttioValues(values), signal), now())
}

/**
 * Updates the person with this e-mail, if there is one. It is looked up each time, even if its id is known: after two
 * people are merged, one of the ids is gone.
 */
export async function updateContact(
  record: ContactRecord,
  signal: AbortSignal,
  deps: WriteAttioDeps,
): Promise<PartAnswer> {
  const first = await findAndUpdate(record, signal, deps)
  // The person was merged into another one, or deleted, since it was looked up.
  const last = first.isGone ? await findAndUpdate(record, signal, deps) : first
  return last.answer
}

async function findAndUpdate(
  { email, traceId, values }: ContactRecord,
  signal: AbortSignal,
  { calls, now }: WriteAttioDeps,
): Promise<{ readonly answer: PartAnswer; readonly isGone: boolean }> {
  const found = await calls.findByEmail([email], signal)
  const records = readFoundRecords(found)
  if (records === undefined) return { answer: toFailure(found, now()), isGone: false }
  const recordId = records.get(email)?.id.record_id
  if (recordId === undefined) {
    const reason = 'Attio has no person with this address'
    return { answer: toRow(traceId, { status: 'skipped', reason }), isGone: false }
  }
  const written = await calls.update(recordId, toAttioValues(values), signal)
  return { answer: toPartAnswer(traceId, written, now()), isGone: isRecordMissing(written) }
}

function toPartAnswer(traceId: string, answer: CrmAnswer, now: number): PartAnswer {
  const remoteId = readWrittenId(answer)
  return remoteId === undefined ? toFailure(answer, now) : toRow(traceId, { status: 'written', remoteId })
}

function toRow(traceId: string, row: RowResult): PartAnswer {
  return { isWhole: false, rows: new Map([[traceId, row]]) }
}

function toFailure(answer: CrmAnswer, now: number): PartAnswer {
  return { isWhole: true, answerClass: classifyAnswer(answer, now) }
}
