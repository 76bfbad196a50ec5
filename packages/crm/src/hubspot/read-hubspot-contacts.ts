import { z } from 'zod'
import type { CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, RemoteContact } from '../crm-provider.ts'
import { toCallError } from '../to-call-error.ts'
import { classifyAnswer } from './classify-answer.ts'
import type { HubspotCalls } from './hubspot-calls.ts'
import { parseBody } from '../parse-body.ts'
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
  if (typeof answer.status === 'string' || answer.status >= 300) return undefined
  const parsed = ReadAnswer.safeParse(parseBody(answer.body)).data
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
  const all = [email ?? '', ...(others ?? '').split(';')]
  return all.map((address) => address.trim().toLowerCase()).filter((address) => address !== '')
}

/** @throws CrmCallError */
export async function readHubspotContacts(
  emails: readonly string[],
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  calls: HubspotCalls,
): Promise<ReadonlyMap<string, RemoteContact>> {
  const names = properties.map(({ name }) => name)
  const answer = await calls.readByEmail(emails, names, signal)
  const found = readFoundContacts(answer)
  if (found === undefined) throw toCallError(classifyAnswer(answer, Date.now()))
  return new Map(
    emails.flatMap((email) => {
      const contact = found.get(email)
      if (contact === undefined) return []
      const values = properties.map(
        (each) => [each.name, fromHubspotValue(each, contact.properties[each.name])] as const,
      )
      return [[email, { remoteId: contact.remoteId, values: new Map(values) }] as const]
    }),
  )
}
