import type { CrmAnswer } from '../crm-client.ts'
import type { ContactRecord } from '../crm-provider.ts'
import type { RowResult } from '../write-in-parts.ts'
import type { AttioDeps } from './attio-calls.ts'
import { classifyAnswer, isRecordMissing } from './classify-answer.ts'
import { readFoundRecords, readWrittenId } from './read-attio-contacts.ts'
import { toAttioValues } from './to-attio-values.ts'

/**
 * Creates or updates a person by e-mail. The name is not sent: Attio does not tell beforehand whether it creates a
 * person, and would replace the name of an existing one.
 */
export async function upsertContact(
  { email, values }: ContactRecord,
  signal: AbortSignal,
  { calls, now }: AttioDeps,
): Promise<RowResult> {
  return toWritten(await calls.assert(email, toAttioValues(values), signal), now())
}

/**
 * Updates the person with this e-mail, if there is one. It is looked up each time, even if its id is known: after two
 * people are merged, one of the ids is gone.
 */
export async function updateContact(record: ContactRecord, signal: AbortSignal, deps: AttioDeps): Promise<RowResult> {
  const first = await findAndUpdate(record, signal, deps)
  // The person was merged into another one, or deleted, since it was looked up.
  const last = first.isGone ? await findAndUpdate(record, signal, deps) : first
  return last.result
}

async function findAndUpdate(
  { email, values }: ContactRecord,
  signal: AbortSignal,
  { calls, now }: AttioDeps,
): Promise<{ readonly result: RowResult; readonly isGone: boolean }> {
  const found = await calls.findByEmail([email], signal)
  const records = readFoundRecords(found)
  if (records === undefined) return { result: toFailed(found, now()), isGone: false }
  const recordId = records.get(email)?.id.record_id
  if (recordId === undefined)
    return { result: { status: 'skipped', reason: 'Attio has no person with this address' }, isGone: false }
  const written = await calls.update(recordId, toAttioValues(values), signal)
  return { result: toWritten(written, now()), isGone: isRecordMissing(written) }
}

function toWritten(answer: CrmAnswer, now: number): RowResult {
  const remoteId = readWrittenId(answer)
  return remoteId === undefined ? toFailed(answer, now) : { status: 'written', remoteId }
}

function toFailed(answer: CrmAnswer, now: number): RowResult {
  return { status: 'failed', answerClass: classifyAnswer(answer, now) }
}
