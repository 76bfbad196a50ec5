import { z } from 'zod'
import { secondMs, unclear, type AnswerClass } from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import type { ContactRecord, UpsertTerms } from '../crm-provider.ts'
import type { RowResult } from '../write-in-parts.ts'
import { findPerson } from './find-person.ts'
import type { FieldsByProperty, PipedriveDeps } from './person-fields.ts'
import type { CustomFields } from './pipedrive-calls.ts'
import { failed, found, readAnswer, type Found } from './read-answer.ts'
import { toCustomFields } from './to-pipedrive-value.ts'

type Terms = Pick<UpsertTerms, 'mode' | 'signal'>

/** After a rejection, a list of fields of this age is still trusted. */
const freshMs = 30 * secondMs

/** Creates or updates the person of a contact, by its id if it is known, or else by its address. */
export async function writePipedriveContact(
  record: ContactRecord,
  terms: Terms,
  deps: PipedriveDeps,
): Promise<RowResult> {
  const properties = record.values.map(({ property }) => property)
  const known = await deps.fields.resolve(properties, terms.signal)
  if (!known.isFound) return toResult(known)
  const written = await writeFields(record, known.value, terms, deps)
  if (written.isFound || !isAboutContent(written.answerClass)) return toResult(written)
  // A field may have been replaced or deleted since the fields were listed.
  const fresh = await deps.fields.resolve(properties, terms.signal, freshMs)
  if (!fresh.isFound) return toResult(fresh)
  if (hasSameCodes(known.value, fresh.value)) return toResult(written)
  return toResult(await writeFields(record, fresh.value, terms, deps))
}

/** Deletes the person of a contact. It can be restored in Pipedrive for 30 days. */
export async function archivePipedriveContact(
  { email, remoteId }: ContactRecord,
  signal: AbortSignal,
  deps: PipedriveDeps,
): Promise<RowResult> {
  const remove = (id: string) => deps.calls.remove(id, signal)
  const known = await writeKnown(remoteId, remove, deps)
  if (known !== 'gone') return toResult(known)
  const person = await findPerson(email, signal, deps, remoteId)
  if (!person.isFound) return toResult(person)
  if (person.value === null) return unknownContact
  return toResult(await writeFound(person.value, remove, deps))
}

async function writeFields(
  { email, remoteId, firstName, lastName, values }: ContactRecord,
  fields: FieldsByProperty,
  { mode, signal }: Terms,
  deps: PipedriveDeps,
): Promise<Found<RowResult>> {
  const customFields = toCustomFields(values, fields)
  const update = (id: string) => deps.calls.update(id, customFields, signal)
  const known = await writeKnown(remoteId, update, deps)
  if (known !== 'gone') return known
  // Creating is not idempotent: only the search shows what an earlier attempt created.
  const person = await findPerson(email, signal, deps, remoteId)
  if (!person.isFound) return person
  if (person.value !== null) return writeFound(person.value, update, deps)
  if (mode === 'update-only') return found(unknownContact)
  const name = [firstName, lastName].filter((part) => part !== null && part.trim() !== '').join(' ')
  return createPerson(name === '' ? email : name, email, customFields, signal, deps)
}

const unknownContact: RowResult = { status: 'skipped', reason: 'Pipedrive has no person with this address' }

const PersonAnswer = z.object({
  success: z.literal(true),
  data: z.object({ id: z.number().int(), is_deleted: z.boolean().nullish().catch(undefined) }),
})

async function createPerson(
  name: string,
  email: string,
  customFields: CustomFields,
  signal: AbortSignal,
  { calls, now }: PipedriveDeps,
): Promise<Found<RowResult>> {
  const emails = [{ value: email, primary: true, label: 'work' }]
  const answer = await calls.create({ name, emails, custom_fields: customFields }, signal)
  return toWritten(readAnswer(answer, PersonAnswer, now()))
}

type Write = (id: string) => Promise<CrmAnswer>

/** Writes by the known id. `gone` if none is known, or if its person was deleted or merged into another. */
async function writeKnown(id: string | null, write: Write, { now }: PipedriveDeps): Promise<Found<RowResult> | 'gone'> {
  // Ids of another CRM, in which the account was before, are no integers or unknown.
  if (id === null || !/^\d{1,15}$/.test(id)) return 'gone'
  const answer = await write(id)
  if (answer.status === 404 || answer.status === 410) return 'gone'
  const person = readAnswer(answer, PersonAnswer, now())
  return person.isFound && person.value.data.is_deleted === true ? 'gone' : toWritten(person)
}

async function writeFound(id: string, write: Write, deps: PipedriveDeps): Promise<Found<RowResult>> {
  const result = await writeKnown(id, write, deps)
  if (result !== 'gone') return result
  return failed(unclear('the person that Pipedrive found is gone'))
}

function toWritten(person: Found<z.output<typeof PersonAnswer>>): Found<RowResult> {
  return person.isFound ? found({ status: 'written', remoteId: String(person.value.data.id) }) : person
}

/** The answer is about what was sent: the contact's values, or fields that do not exist. */
function isAboutContent(answerClass: AnswerClass): boolean {
  const isMisconfigured = answerClass.blames === 'account' && answerClass.refusal.cause === 'misconfigured'
  return answerClass.blames === 'contact' || isMisconfigured
}

function hasSameCodes(one: FieldsByProperty, other: FieldsByProperty): boolean {
  return [...one].every(([name, { code }]) => other.get(name)?.code === code)
}

function toResult(result: Found<RowResult>): RowResult {
  return result.isFound ? result.value : { status: 'failed', answerClass: result.answerClass }
}
