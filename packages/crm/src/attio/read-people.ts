import { z } from 'zod'
import { isSuccess, type CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, RemoteContact } from '../crm-provider.ts'
import { parseBody } from '../parse-body.ts'
import { toCallError } from '../to-call-error.ts'
import type { AttioCalls } from './attio-calls.ts'
import { classifyAttioAnswer } from './classify-attio-answer.ts'
import { fromAttioValue } from './to-attio-values.ts'

const value = z
  .object({ value: z.union([z.string(), z.number()]).optional(), email_address: z.string().optional() })
  .catch({})
const Person = z.object({
  id: z.object({ record_id: z.string() }),
  values: z.record(z.string(), z.array(value).catch([])).catch({}),
})
const OnePerson = z.object({ data: Person })
const People = z.object({ data: z.array(z.unknown()) })

export type AttioPerson = z.infer<typeof Person>

/** The person in the answer to a write; undefined if the answer is not from Attio. */
export function readPerson(answer: CrmAnswer): AttioPerson | undefined {
  return isSuccess(answer) ? OnePerson.safeParse(parseBody(answer.body)).data?.data : undefined
}

/** The people in the answer to a query, by each of their addresses; undefined if the answer is not from Attio. */
export function readPeople(answer: CrmAnswer): ReadonlyMap<string, AttioPerson> | undefined {
  const found = isSuccess(answer) ? People.safeParse(parseBody(answer.body)).data : undefined
  if (found === undefined) return undefined
  const people = found.data.flatMap((each) => Person.safeParse(each).data ?? [])
  return new Map(
    // An address belongs to one person; if not, to the first that Attio names.
    people
      .toReversed()
      .flatMap((person) =>
        (person.values['email_addresses'] ?? []).flatMap(({ email_address: address }) =>
          address === undefined ? [] : [[address.toLowerCase(), person] as const],
        ),
      ),
  )
}

/** @throws CrmCallError */
export async function readAttioContacts(
  emails: readonly string[],
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  calls: AttioCalls,
): Promise<ReadonlyMap<string, RemoteContact>> {
  if (emails.length === 0) return new Map()
  const answer = await calls.findPeople(emails, signal)
  const people = readPeople(answer)
  if (people === undefined) throw toCallError(classifyAttioAnswer(answer, Date.now()))
  return new Map(
    emails.flatMap((email) => {
      const person = people.get(email)
      if (person === undefined) return []
      const values = properties.map(
        (each) => [each.name, fromAttioValue(each, person.values[each.name]?.[0]?.value)] as const,
      )
      return [[email, { remoteId: person.id.record_id, values: new Map(values) }] as const]
    }),
  )
}
