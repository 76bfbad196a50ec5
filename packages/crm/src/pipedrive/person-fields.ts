import { z } from 'zod'
import { isSuccess, type CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, PropertyPlan } from '../crm-provider.ts'
import { parseBody } from '../parse-body.ts'
import { toCallError } from '../to-call-error.ts'
import { classifyPipedriveAnswer } from './classify-pipedrive-answer.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'

const Field = z.object({
  field_name: z.string(),
  field_code: z.string(),
  field_type: z.string(),
  is_custom_field: z.boolean(),
})
/** A field of persons. People know it by its name; the API addresses it by a code that differs between accounts. */
export type PersonField = z.infer<typeof Field>

const Fields = z.object({
  success: z.literal(true),
  data: z.array(z.unknown()),
  additional_data: z.object({ next_cursor: z.string().nullish() }).nullish().catch(undefined),
})

/** More than an account can have. */
const maxPages = 20

/** The account's own fields by name in lower case, or the answer that is none. */
export type FieldListing =
  | { readonly fields: ReadonlyMap<string, PersonField>; readonly answer?: undefined }
  | { readonly answer: CrmAnswer }

export async function listPersonFields(signal: AbortSignal, calls: PipedriveCalls): Promise<FieldListing> {
  const fields = new Map<string, PersonField>()
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await calls.listFields(cursor, signal)
    const body = isSuccess(answer) ? Fields.safeParse(parseBody(answer.body)).data : undefined
    if (body === undefined) return { answer }
    for (const each of body.data) {
      const field = Field.safeParse(each).data
      if (field?.is_custom_field === true) fields.set(nameOf(field.field_name), field)
    }
    cursor = body.additional_data?.next_cursor ?? undefined
    if (cursor === undefined) break
  }
  return { fields }
}

/** The field that holds a property: it is created with the property's label as its name. */
export function fieldOf(fields: ReadonlyMap<string, PersonField>, { label }: CrmProperty): PersonField | undefined {
  return fields.get(nameOf(label))
}

function nameOf(text: string): string {
  return text.trim().toLowerCase()
}

/** The first is what is created. A date has no time of day, and a varchar holds 255 characters. */
const types: Readonly<Record<CrmProperty['type'], readonly [string, ...string[]]>> = {
  text: ['text', 'varchar'],
  choice: ['varchar', 'text'],
  datetime: ['varchar', 'text'],
  number: ['double', 'int'],
}

/** @throws CrmCallError */
export async function planPersonFields(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  calls: PipedriveCalls,
): Promise<PropertyPlan> {
  const listing = await listPersonFields(signal, calls)
  if (listing.answer !== undefined) throw toCallError(classifyPipedriveAnswer(listing.answer, Date.now()))
  const { fields } = listing
  return {
    missing: properties.filter((property) => fieldOf(fields, property) === undefined),
    conflicts: properties.flatMap((property) => {
      const found = fieldOf(fields, property)
      const accepted = types[property.type]
      if (found === undefined || accepted.includes(found.field_type)) return []
      const problem = `(${property.label}) has the type ${found.field_type} instead of ${accepted.join(' or ')}: rename or delete it in Pipedrive`
      return [{ name: property.name, problem }]
    }),
  }
}

/** Pipedrive has no unique names: those that exist by now are looked up first. @throws CrmCallError */
export async function createPersonFields(
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  calls: PipedriveCalls,
): Promise<void> {
  const { missing } = await planPersonFields(properties, signal, calls)
  for (const { label, type } of missing) {
    const answer = await calls.createField(label, types[type][0], signal)
    if (!isSuccess(answer)) throw toCallError(classifyPipedriveAnswer(answer, Date.now()))
  }
}
