import { z } from 'zod'
import type { CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, RemoteContact } from '../crm-provider.ts'
import { pickContacts, toAddresses } from '../pick-contacts.ts'
import { toCallError } from '../to-call-error.ts'
import type { AttioDeps } from './attio-calls.ts'
import { classifyAnswer } from './classify-answer.ts'
import { readSuccess } from '../read-success.ts'
import { fromAttioValue } from './to-attio-values.ts'

const AttioRecord = z.object({
  id: z.object({ record_id: z.string().min(1) }),
  values: z.record(z.string(), z.unknown()),
})
const Found = z.object({ data: z.array(AttioRecord) })
const Written = z.object({ data: AttioRecord })
const Address = z.object({ email_address: z.string(), original_email_address: z.string().catch('') })
const Addresses = z.array(Address).catch([])

export type AttioRecord = z.infer<typeof AttioRecord>

/** The id of the record that a call wrote; undefined if the answer does not tell one. */
export function readWrittenId(answer: CrmAnswer): string | undefined {
  return readSuccess(answer, Written)?.data.id.record_id
}

/** The people in an answer to `findByEmail`, by each of their addresses; undefined if it is none. */
export function readFoundRecords(answer: CrmAnswer): ReadonlyMap<string, AttioRecord> | undefined {
  const found = readSuccess(answer, Found)
  if (found === undefined) return undefined
  return new Map(found.data.flatMap((record) => addressesOf(record).map((address) => [address, record] as const)))
}

function addressesOf({ values }: AttioRecord): readonly string[] {
  const stored = Addresses.parse(values['email_addresses'])
  return toAddresses(
    stored.flatMap(({ email_address: normal, original_email_address: original }) => [normal, original]),
  )
}

/** @throws CrmCallError */
export async function readAttioContacts(
  emails: readonly string[],
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  { calls, now }: AttioDeps,
): Promise<ReadonlyMap<string, RemoteContact>> {
  // A filter without conditions would find everybody.
  if (emails.length === 0) return new Map()
  const answer = await calls.findByEmail(emails, signal)
  const found = readFoundRecords(answer)
  if (found === undefined) throw toCallError(classifyAnswer(answer, now()))
  return pickContacts(emails, found, properties, {
    idOf: ({ id }) => id.record_id,
    valueOf: (property, { values }) => fromAttioValue(property, values[property.name]),
  })
}
