import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { secondMs } from '../answer-class.ts'
import type { CrmAnswer } from '../crm-client.ts'
import type { CrmProperty, RemoteContact } from '../crm-provider.ts'
import { findPerson } from './find-person.ts'
import type { FieldsByProperty, PipedriveDeps } from './person-fields.ts'
import type { PipedriveCalls } from './pipedrive-calls.ts'
import { readAnswer, requireFound } from './read-answer.ts'
import { fromPipedriveValue } from './to-pipedrive-value.ts'

/** @throws CrmCallError */
export async function readPipedriveContacts(
  emails: readonly string[],
  properties: readonly CrmProperty[],
  signal: AbortSignal,
  deps: PipedriveDeps,
): Promise<ReadonlyMap<string, RemoteContact>> {
  const fields = requireFound(await deps.fields.resolve(properties, signal))
  const search: PipedriveCalls['search'] = (email) => patiently(() => deps.calls.search(email, signal), signal)
  const contacts = new Map<string, RemoteContact>()
  // One after the other: Pipedrive allows only a few searches at a time.
  for (const email of emails) {
    const id = requireFound(await findPerson(email, signal, { calls: { search }, now: deps.now }))
    const contact = id === null ? undefined : await readPerson(id, properties, fields, signal, deps)
    if (contact !== undefined) contacts.set(email, contact)
  }
  return contacts
}

const PersonAnswer = z.object({
  success: z.literal(true),
  data: z.object({ custom_fields: z.record(z.string(), z.unknown()).nullish() }),
})

/** Search results contain no values of custom fields, so these are read separately. */
async function readPerson(
  id: string,
  properties: readonly CrmProperty[],
  fields: FieldsByProperty,
  signal: AbortSignal,
  { calls, now }: PipedriveDeps,
): Promise<RemoteContact | undefined> {
  const codes = [...fields.values()].map(({ code }) => code)
  const answer = await patiently(() => calls.read(id, codes, signal), signal)
  // Deleted since it was found.
  if (answer.status === 404 || answer.status === 410) return undefined
  const stored = requireFound(readAnswer(answer, PersonAnswer, now())).data.custom_fields ?? {}
  const values = properties.map((each) => {
    const code = fields.get(each.name)?.code ?? ''
    return [each.name, fromPipedriveValue(each, stored[code])] as const
  })
  return { remoteId: id, values: new Map(values) }
}

/** The burst limits pass quickly; a longer wait is the day's, and for the caller to decide. */
const patienceMs = 5 * secondMs

async function patiently(call: () => Promise<CrmAnswer>, signal: AbortSignal): Promise<CrmAnswer> {
  let answer = await call()
  while (answer.status === 'over budget' && answer.waitMs <= patienceMs && !signal.aborted) {
    await delay(answer.waitMs, undefined, { signal }).catch(() => undefined)
    answer = await call()
  }
  return answer
}
