import { z } from 'zod'
import { minuteMs, misconfigured, propertyHint } from '../answer-class.ts'
import type { CrmProperty } from '../crm-provider.ts'
import { addressHint } from './classify-answer.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'
import { failed, found, readAnswer, type Found } from './read-answer.ts'

/** A custom field of persons. */
export interface PersonField {
  /** As people see it: a property's label. */
  readonly name: string
  /** Pipedrive's key for it, generated, and different in each account. */
  readonly code: string
  readonly type: string
}

/** The fields that hold properties, by the property's name. */
export type FieldsByProperty = ReadonlyMap<string, PersonField>

/** The custom fields of an account. */
export interface PersonFields {
  /** Lists them anew. */
  readonly list: (signal: AbortSignal) => Promise<Found<readonly PersonField[]>>
  /**
   * The fields of properties, from a list that is at most `maxAgeMs` old. A property without a usable field is looked
   * for in a new list, so that a field is found as soon as it exists.
   */
  readonly resolve: (
    properties: readonly CrmProperty[],
    signal: AbortSignal,
    maxAgeMs?: number,
  ) => Promise<Found<FieldsByProperty>>
}

/** How to call an account. */
export interface PipedriveDeps {
  readonly calls: PipedriveCalls
  readonly fields: PersonFields
  readonly now: () => number
}

const keptMs = 10 * minuteMs

/** The field types that can hold a property; the first is the one of created fields. */
export const fieldTypes: Readonly<Record<CrmProperty['type'], readonly [string, ...string[]]>> = {
  text: ['varchar', 'text', 'varchar_auto'],
  choice: ['varchar', 'text', 'varchar_auto'],
  // A Pipedrive date has no time.
  datetime: ['varchar', 'text', 'varchar_auto'],
  number: ['double', 'varchar', 'text'],
}

/** Creates a view of the account's fields, which remembers them for a while. */
export function createPersonFields({ calls, now }: Omit<PipedriveDeps, 'fields'>): PersonFields {
  let kept: { readonly fields: readonly PersonField[]; readonly at: number } | undefined
  let loading: Promise<Found<readonly PersonField[]>> | undefined

  async function list(signal: AbortSignal): Promise<Found<readonly PersonField[]>> {
    const at = now()
    const listed = await listAll(signal, { calls, now })
    if (listed.isFound) kept = { fields: listed.value, at }
    return listed
  }

  /** Contacts that are written at the same time share one list. */
  function share(signal: AbortSignal): Promise<Found<readonly PersonField[]>> {
    loading ??= list(signal).finally(() => {
      loading = undefined
    })
    return loading
  }

  return {
    list,
    async resolve(properties, signal, maxAgeMs = keptMs) {
      if (kept !== undefined && now() - kept.at <= maxAgeMs) {
        const fields = match(properties, kept.fields)
        if (fields.isFound) return fields
      }
      const listed = await share(signal)
      return listed.isFound ? match(properties, listed.value) : listed
    },
  }
}

/** The field of a property: one that can hold it, if several have its label. */
export function fieldOf({ label, type }: CrmProperty, fields: readonly PersonField[]): PersonField | undefined {
  const named = fields.filter(({ name }) => name === label.trim())
  return named.find((field) => fieldTypes[type].includes(field.type)) ?? named[0]
}

function match(properties: readonly CrmProperty[], fields: readonly PersonField[]): Found<FieldsByProperty> {
  const pairs = properties.map((property) => [property, fieldOf(property, fields)] as const)
  const unusable = pairs.filter(([{ type }, field]) => field === undefined || !fieldTypes[type].includes(field.type))
  if (unusable.length > 0) {
    const labels = unusable.map(([{ label }]) => `"${label}"`).join(', ')
    return failed(misconfigured(`Pipedrive has no person field that can hold ${labels}`, propertyHint))
  }
  return found(new Map(pairs.flatMap(([{ name }, field]) => (field === undefined ? [] : [[name, field] as const]))))
}

const FieldsPage = z.object({
  success: z.literal(true),
  data: z.array(z.unknown()),
  additional_data: z
    .object({ next_cursor: z.string().nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
})
const Field = z.object({
  field_name: z.string(),
  field_code: z.string().min(1),
  field_type: z.string(),
  is_custom_field: z.literal(true),
})

/** More than any account has, at 500 fields a page. */
const maxPages = 20

async function listAll(
  signal: AbortSignal,
  { calls, now }: Omit<PipedriveDeps, 'fields'>,
): Promise<Found<readonly PersonField[]>> {
  const fields: PersonField[] = []
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page += 1) {
    const answer = readAnswer(await calls.listFields(cursor, signal), FieldsPage, now())
    if (!answer.isFound) {
      // No contact is part of this call, so none is at fault.
      const { answerClass } = answer
      return answerClass.blames === 'contact' ? failed(misconfigured(answerClass.reason, addressHint)) : answer
    }
    fields.push(...answer.value.data.flatMap(toField))
    const next = answer.value.additional_data?.next_cursor ?? ''
    if (next === '' || next === cursor) break
    cursor = next
  }
  return found(fields)
}

function toField(row: unknown): readonly PersonField[] {
  const field = Field.safeParse(row).data
  if (field === undefined) return []
  return [{ name: field.field_name.trim(), code: field.field_code, type: field.field_type }]
}
