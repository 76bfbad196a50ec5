import { misconfigured, type AnswerClass } from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import type { ContactRecord, PropertyValue, UpsertTerms } from '../crm-provider.ts'
import type { PartAnswer, RowResult } from '../write-in-parts.ts'
import { classifyPipedriveAnswer, fieldHint } from './classify-pipedrive-answer.ts'
import type { FieldCache } from './field-cache.ts'
import { fieldOf, type PersonField } from './person-fields.ts'
import type { CustomFields, PipedriveCalls } from './pipedrive-calls.ts'
import { readPerson, readSearch } from './read-persons.ts'

export interface WritePersonDeps {
  readonly calls: PipedriveCalls
  readonly fields: FieldCache
  readonly now: () => number
}

/**
 * Writes one person: by id if it is known, otherwise by a search. Pipedrive has no upsert and no unique addresses, so a
 * search comes before every creation, also after one whose answer was lost.
 */
export async function writePerson(
  record: ContactRecord,
  { signal, mode, archives }: Pick<UpsertTerms, 'signal' | 'mode' | 'archives'>,
  deps: WritePersonDeps,
): Promise<PartAnswer> {
  const { calls, now } = deps
  if (archives && record.isRemoved) return archivePerson(record, signal, deps)
  const properties = record.values.map(({ property }) => property)
  const listing = await deps.fields.find(properties, signal)
  if (listing.answer !== undefined) return failed(listing.answer, now())
  const missing = properties.filter((property) => fieldOf(listing.fields, property) === undefined)
  if (missing.length > 0) return lacksFields(missing.map(({ label }) => label))
  const customFields = toCustomFields(record.values, listing.fields)
  if (record.remoteId !== null) {
    const answer = await calls.update(record.remoteId, customFields, signal)
    if (!isGone(answer)) return toPartAnswer(record, answer, now())
  }
  const found = await calls.search(record.email, signal)
  const id = readSearch(found, record.email)
  if (id === undefined) return failed(found, now())
  if (id !== null) return toPartAnswer(record, await calls.update(id, customFields, signal), now())
  if (mode === 'update-only') return only(record, unknownPerson)
  const person = { name: nameOf(record), email: record.email, customFields }
  return toPartAnswer(record, await calls.create(person, signal), now())
}

const unknownPerson: RowResult = { status: 'skipped', reason: 'Pipedrive has no person with this address' }

async function archivePerson(
  record: ContactRecord,
  signal: AbortSignal,
  { calls, now }: WritePersonDeps,
): Promise<PartAnswer> {
  const found = await calls.search(record.email, signal)
  const id = readSearch(found, record.email)
  if (id === undefined) return failed(found, now())
  if (id === null) return only(record, unknownPerson)
  const answer = await calls.remove(id, signal)
  const isDone = (typeof answer.status === 'number' && answer.status < 300) || isGone(answer)
  return isDone ? only(record, { status: 'written', remoteId: id }) : failed(answer, now())
}

/** Deleted or merged into another person. */
function isGone({ status }: CrmAnswer): boolean {
  return status === 404 || status === 410
}

function toPartAnswer(record: ContactRecord, answer: CrmAnswer, now: number): PartAnswer {
  const person = readPerson(answer)
  return person === undefined ? failed(answer, now) : only(record, { status: 'written', remoteId: String(person.id) })
}

function failed(answer: CrmAnswer, now: number): PartAnswer {
  return { isWhole: true, answerClass: classifyPipedriveAnswer(answer, now) }
}

function lacksFields(labels: readonly string[]): PartAnswer {
  const answerClass: AnswerClass = misconfigured(`Pipedrive has no person field “${labels.join('”, “')}”`, fieldHint)
  return { isWhole: true, answerClass }
}

function only({ traceId }: ContactRecord, row: RowResult): PartAnswer {
  return { isWhole: false, rows: new Map([[traceId, row]]) }
}

/** A person without a name is not accepted. */
function nameOf({ firstName, lastName, email }: ContactRecord): string {
  const name = [firstName, lastName].filter((part) => part !== null).join(' ')
  return name === '' ? email : name
}

const maxVarchar = 255

function toCustomFields(values: readonly PropertyValue[], fields: ReadonlyMap<string, PersonField>): CustomFields {
  return Object.fromEntries(
    values.flatMap((each) => {
      const field = fieldOf(fields, each.property)
      return field === undefined ? [] : [[field.field_code, toStored(each, field)]]
    }),
  )
}

function toStored({ property, value }: PropertyValue, { field_type: type }: PersonField): string | number | null {
  if (value === null || property.type === 'number') return value
  const text = property.type === 'datetime' ? new Date(value).toISOString() : String(value)
  return type === 'varchar' ? text.slice(0, maxVarchar).toWellFormed() : text
}
