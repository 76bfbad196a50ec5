import { z } from 'zod'
import type { CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, RemoteContact } from '../crm-provider.ts'
import { pickContacts, toAddresses } from '../pick-contacts.ts'
import { readSuccess } from '../read-success.ts'
import { toCallError } from '../to-call-error.ts'
import { classifyAnswer } from './classify-answer.ts'
import type { HubspotDeps } from './hubspot-calls.ts'
import { fromHubspotValue } from './to-hubspot-value.ts'

const text = z.string().nullish().catch(undefined)
const Row = z.object({ id: z.string(), properties: z.record(z.string(), text) })
const ReadAnswer = z.object({ results: z.array(z.unknown()) })

/** A contact found by an address, which need not be its primary one. */
export interface FoundContact {
  readonly remoteId: string
  readonly properties: Readonly<Record<string, string | null | undefined>>
}

/** Reads the contacts that an answer to `readByEmail` contains, by each of their addresses; undefined if it is none. */
export function readFoundContacts(answer: CrmAnswer): ReadonlyMap<string, FoundContact> | undefined {
  // 207: some addresses are unknown.
  const parsed = readSuccess(answer, ReadAnswer)
  if (parsed === undefined) return undefined
  return new Map(
    parsed.results.flatMap((result) => {
      const row = Row.safeParse(result).data
      if (row === undefined) return []
      const found = { remoteId: row.id, properties: row.properties }
      return addressesOf(row.properties).map((address) => [address, found] as const)
    }),
  )
}

function addressesOf({ email, hs_additional_emails: others }: FoundContact['properties']): readonly string[] {
  return toAddresses([email ?? '', ...(others ?? '').split(';')])
}

/** @throws CrmCallError */
export async function readHubspotContacts(
  emails: readonly string[],
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, now }: HubspotDeps,
): Promise<ReadonlyMap<string, RemoteContact>> {
  const names = properties.map(({ name }) => name)
  const answer = await calls.readByEmail(emails, names, signal)
  const found = readFoundContacts(answer)
  if (found === undefined) throw toCallError(classifyAnswer(answer, now()))
  return pickContacts(emails, found, properties, {
    idOf: ({ remoteId }) => remoteId,
    valueOf: (property, { properties: stored }) => fromHubspotValue(property, stored[property.name]),
  })
}
