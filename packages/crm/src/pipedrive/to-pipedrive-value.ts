import type { CrmProperty, PropertyValue } from '../crm-provider.ts'
import type { FieldsByProperty, PersonField } from './person-fields.ts'
import type { CustomFields } from './pipedrive-calls.ts'

/** Pipedrive rejects longer values of a `varchar` field; a `text` field takes 65,000 characters. */
const varcharMax = 255

/** The values as Pipedrive's custom fields, by field code; null clears a field. */
export function toCustomFields(values: readonly PropertyValue[], fields: FieldsByProperty): CustomFields {
  return Object.fromEntries(
    values.flatMap((each) => {
      const field = fields.get(each.property.name)
      return field === undefined ? [] : [[field.code, toPipedriveValue(each, field)]]
    }),
  )
}

function toPipedriveValue({ property, value }: PropertyValue, { type }: PersonField): string | number | null {
  if (value === null || value === '') return null
  if (property.type === 'number') return type === 'double' ? Number(value) : String(value)
  // A date of Pipedrive has no time.
  if (property.type === 'datetime') return new Date(value).toISOString()
  return type === 'text' ? String(value) : String(value).slice(0, varcharMax).toWellFormed()
}

/** A stored value as `PropertyValue` holds it. */
export function fromPipedriveValue({ type }: CrmProperty, stored: unknown): string | number | null {
  if ((typeof stored !== 'string' && typeof stored !== 'number') || stored === '') return null
  if (type === 'number') return Number(stored)
  return type === 'datetime' ? Date.parse(String(stored)) : String(stored)
}
