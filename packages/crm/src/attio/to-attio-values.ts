import type { CrmProperty, PropertyValue } from '../crm-provider.ts'
import type { AttioValues } from './attio-calls.ts'

/** Each value is a list, and an empty list clears an attribute. */
export function toAttioValues(values: readonly PropertyValue[]): AttioValues {
  return Object.fromEntries(values.map((each) => [each.property.name, toAttioValue(each)]))
}

function toAttioValue({ property, value }: PropertyValue): readonly (string | number)[] {
  if (value === null) return []
  return [property.type === 'datetime' ? new Date(value).toISOString() : value]
}

/** A stored value as `PropertyValue` holds it. Attio's times have nine decimals, of which `Date` keeps three. */
export function fromAttioValue({ type }: CrmProperty, stored: string | number | undefined): string | number | null {
  if (stored === undefined || stored === '') return null
  if (type === 'number') return Number(stored)
  return type === 'datetime' ? Date.parse(String(stored)) : String(stored)
}
