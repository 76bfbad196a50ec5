import type { CrmProperty, PropertyValue } from '../crm-provider.ts'
import type { ContactState } from './contact-state.ts'

/** What a mapping can read. `campaignUrl` is the mapping's template, with the mailbox's own values filled in. */
export type ContactField = keyof ContactState | 'campaignUrl'

/** A property and where its value comes from. */
export interface MappedProperty {
  readonly property: CrmProperty
  readonly source:
    | { readonly kind: 'field'; readonly field: ContactField; readonly values: ReadonlyMap<string, string> }
    | { readonly kind: 'constant'; readonly value: string | number }
}

export interface Mapping {
  readonly properties: readonly MappedProperty[]
  /** With placeholders such as `{campaignId}`; undefined if there is none. */
  readonly campaignUrl: string | undefined
}

/** The properties that a mapping writes. */
export function propertiesOf({ properties }: Mapping): readonly CrmProperty[] {
  return properties.map(({ property }) => property)
}

/** The values of a contact's properties, in the mapping's order. */
export function mapContact(mapping: Mapping, state: ContactState): readonly PropertyValue[] {
  return mapping.properties.map(({ property, source }) => {
    if (source.kind === 'constant') return { property, value: source.value }
    const value = source.field === 'campaignUrl' ? campaignUrlOf(mapping, state) : state[source.field]
    const translated = value === null ? undefined : source.values.get(String(value))
    return { property, value: translated ?? toType(property, value) }
  })
}

function toType({ type }: CrmProperty, value: string | number | null): string | number | null {
  return value === null || type === 'datetime' || type === 'number' ? value : String(value)
}

function campaignUrlOf({ campaignUrl }: Mapping, state: ContactState): string | null {
  if (campaignUrl === undefined) return null
  return campaignUrl.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(state[name as keyof ContactState] ?? '')),
  )
}
