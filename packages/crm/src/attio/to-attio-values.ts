import { z } from 'zod'
import type { CrmProperty, PropertyValue } from '../crm-provider.ts'
import type { AttioValues } from './attio-calls.ts'

/** Every value is a list, because Attio's API of 2026 accepts nothing else; an empty one clears the attribute. */
export function toAttioValues(values: readonly PropertyValue[]): AttioValues {
  return Object.fromEntries(values.map((each) => [each.property.name, toAttioValue(each)]))
}

function toAttioValue({ property, value }: PropertyValue): readonly (string | number)[] {
  if (value === null || value === '') return []
  switch (property.type) {
    case 'datetime':
      return [new Date(value).toISOString()]
    case 'number':
      return [Number(value)]
    case 'text':
    case 'choice':
      return [String(value)]
  }
}

const Stored = z.array(z.object({ value: z.union([z.string(), z.number()]) }))

/** A stored value as `PropertyValue` holds it; null if there is none, or none that the property can have. */
export function fromAttioValue({ type }: CrmProperty, stored: unknown): string | number | null {
  const value = Stored.safeParse(stored).data?.[0]?.value
  if (value === undefined || value === '') return null
  if (type === 'text' || type === 'choice') return String(value)
  const number = type === 'number' ? Number(value) : Date.parse(withoutNanoseconds(String(value)))
  return Number.isNaN(number) ? null : number
}

/** Attio answers with nine decimals of a second; ECMAScript defines times with three. */
function withoutNanoseconds(time: string): string {
  return time.replace(/(\.\d{3})\d+/, '$1')
}
