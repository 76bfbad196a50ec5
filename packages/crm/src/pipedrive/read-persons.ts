import { z } from 'zod'
import { isSuccess, type CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, RemoteContact } from '../crm-provider.ts'
import { parseBody } from '../parse-body.ts'
import { toCallError } from '../to-call-error.ts'
import { classifyPipedriveAnswer } from './classify-pipedrive-answer.ts'
import type { FieldCache } from './field-cache.ts'
import { fieldOf } from './person-fields.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'

const Person = z.object({
  success: z.literal(true),
  data: z.object({
    id: z.number(),
    is_deleted: z.boolean().nullish(),
    custom_fields: z.record(z.string(), z.union([z.string(), z.number()]).nullish().catch(null)).catch({}),
  }),
})
const Search = z.object({
  success: z.literal(true),
  data: z.object({
    items: z.array(z.object({ item: z.object({ id: z.number(), emails: z.array(z.string()).catch([]) }) })),
  }),
})

/** The person in an answer; undefined if it is not from Pipedrive. */
export function readPerson(answer: CrmAnswer): z.infer<typeof Person>['data'] | undefined {
  return isSuccess(answer) ? Person.safeParse(parseBody(answer.body)).data?.data : undefined
}

/** The id of the person with this address, or null; undefined if the answer is not from Pipedrive. */
export function readSearch(answer: CrmAnswer, email: string): string | null | undefined {
  const found = isSuccess(answer) ? Search.safeParse(parseBody(answer.body)).data : undefined
  if (found === undefined) return undefined
  const ids = found.data.items
    .filter(({ item }) => item.emails.some((each) => each.trim().toLowerCase() === email))
    .map(({ item }) => item.id)
  // Several persons can have one address: the oldest is written, by every worker.
  return ids.length === 0 ? null : String(Math.min(...ids))
}

export interface ReadPersonsDeps {
  readonly calls: PipedriveCalls
  readonly fields: FieldCache
}

/** @throws CrmCallError */
export async function readPipedriveContacts(
  emails: readonly string[],
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, fields: cache }: ReadPersonsDeps,
): Promise<ReadonlyMap<string, RemoteContact>> {
  const listing = await cache.find(properties, signal)
  if (listing.answer !== undefined) throw toCallError(classifyPipedriveAnswer(listing.answer, Date.now()))
  const contacts = new Map<string, RemoteContact>()
  for (const email of emails) {
    const found = await calls.search(email, signal)
    const id = readSearch(found, email)
    if (id === undefined) throw toCallError(classifyPipedriveAnswer(found, Date.now()))
    if (id === null) continue
    const answer = await calls.get(id, signal)
    const person = readPerson(answer)
    if (person === undefined) throw toCallError(classifyPipedriveAnswer(answer, Date.now()))
    const values = properties.map((property) => {
      const code = fieldOf(listing.fields, property)?.field_code ?? ''
      return [property.name, fromStored(property, person.custom_fields[code])] as const
    })
    contacts.set(email, { remoteId: id, values: new Map(values) })
  }
  return contacts
}

function fromStored({ type }: CrmProperty, stored: string | number | null | undefined): string | number | null {
  if (stored === null || stored === undefined || stored === '') return null
  if (type === 'number') return Number(stored)
  return type === 'datetime' ? Date.parse(String(stored)) : String(stored)
}
