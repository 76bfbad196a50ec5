import type { CrmAnswer } from '../crm-client.ts'
import type { ContactRecord } from '../crm-provider.ts'
import type { PartAnswer, RowResult } from '../write-in-parts.ts'
import type { AttioCalls } from './attio-calls.ts'
import { classifyAttioAnswer } from './classify-attio-answer.ts'
import { readPeople, readPerson } from './read-people.ts'
import { toAttioValues } from './to-attio-values.ts'

export interface WritePersonDeps {
  readonly calls: AttioCalls
  readonly now: () => number
}

/**
 * Creates the person with this address, or updates the one that has it. The name is not sent: an assert can't tell a new
 * person from an existing one, whose name a person may have corrected.
 */
export async function assertPerson(
  record: ContactRecord,
  signal: AbortSignal,
  { calls, now }: WritePersonDeps,
): Promise<PartAnswer> {
  const { email, values } = record
  const answer = await calls.assertPerson({ email_addresses: [email], ...toAttioValues(values) }, signal)
  return toPartAnswer(record, answer, now())
}

/** Updates the person with this address, if there is one. */
export async function updatePerson(
  record: ContactRecord,
  signal: AbortSignal,
  { calls, now }: WritePersonDeps,
): Promise<PartAnswer> {
  const found = await calls.findPeople([record.email], signal)
  const people = readPeople(found)
  if (people === undefined) return { isWhole: true, answerClass: classifyAttioAnswer(found, now()) }
  const person = people.get(record.email)
  if (person === undefined) return only(record, { status: 'skipped', reason: 'Attio has no person with this address' })
  const answer = await calls.updatePerson(person.id.record_id, toAttioValues(record.values), signal)
  return toPartAnswer(record, answer, now())
}

function toPartAnswer(record: ContactRecord, answer: CrmAnswer, now: number): PartAnswer {
  const person = readPerson(answer)
  if (person === undefined) return { isWhole: true, answerClass: classifyAttioAnswer(answer, now) }
  return only(record, { status: 'written', remoteId: person.id.record_id })
}

function only({ traceId }: ContactRecord, row: RowResult): PartAnswer {
  return { isWhole: false, rows: new Map([[traceId, row]]) }
}
