import type { CrmProperty, PropertyValue } from '../crm-provider.ts'

/** Every value is a string, and "" clears a property: HubSpot's schema rejects null and numbers. */
export function toHubspotProperties(values: readonly PropertyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map((each) => [each.property.name, toHubspotValue(each)]))
}

function toHubspotValue({ property, value }: PropertyValue): string {
  if (value === null) return ''
  return property.type === 'datetime' ? new Date(value).toISOString() : String(value)
}

/** A stored value as `PropertyValue` holds it. HubSpot answers with times in ISO 8601, in older versions in ms. */
export function fromHubspotValue({ type }: CrmProperty, stored: string | null | undefined): string | number | null {
  if (stored === null || stored === undefined || stored === '') return null
  if (type === 'text' || type === 'choice') return stored
  if (type === 'number') return Number(stored)
  return /^\d+$/.test(stored) ? Number(stored) : Date.parse(stored)
}
