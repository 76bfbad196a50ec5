import type { CrmProperty, RemoteContact } from './crm-provider.ts'

/** How to read a contact as the vendor shows it. */
export interface ContactReader<Shown> {
  readonly idOf: (shown: Shown) => string
  readonly valueOf: (property: CrmProperty, shown: Shown) => string | number | null
}

/** The contacts with these e-mails (in lower case), of those that were found by their addresses. */
export function pickContacts<Shown>(
  emails: readonly string[],
  found: ReadonlyMap<string, Shown>,
  properties: readonly CrmProperty[],
  { idOf, valueOf }: ContactReader<Shown>,
): ReadonlyMap<string, RemoteContact> {
  return new Map(
    emails.flatMap((email) => {
      const shown = found.get(email)
      if (shown === undefined) return []
      const values = properties.map((property) => [property.name, valueOf(property, shown)] as const)
      return [[email, { remoteId: idOf(shown), values: new Map(values) }] as const]
    }),
  )
}

/** Addresses as they are compared with a contact's: in lower case, and without those that are empty. */
export function toAddresses(texts: readonly string[]): readonly string[] {
  return texts.map((text) => text.trim().toLowerCase()).filter((address) => address !== '')
}
