import type { RecordedRequest } from '@warmhook/testing/start-http-peer'
import { Configuration, PersonFieldsApi, PersonsApi } from 'pipedrive/v2'
import { expect, it } from 'vitest'
import { recordOf } from '../fixtures/contact-records.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { startContractPipedrive } from './fixtures/start-contract-pipedrive.ts'
import { pipedrive } from './pipedrive-provider.ts'

const signal = new AbortController().signal
const terms = { signal, isFirst: false, mode: 'upsert', archives: true } as const

/** What a request means to Pipedrive, without the headers of the program that sent it. */
function meaningOf({ method, path, headers, body }: RecordedRequest) {
  const { pathname, searchParams } = new URL(path, 'http://localhost')
  const query = Object.fromEntries(searchParams)
  return {
    method,
    pathname,
    query,
    token: headers['x-api-token'],
    body: body === '' ? '' : (JSON.parse(body) as unknown),
  }
}

it('sends the requests that the vendor’s own client sends', async () => {
  await using ours = await startContractPipedrive({ hasProperties: false })
  await using theirs = await startContractPipedrive({ hasProperties: false })

  const [status, , reason] = recordOf(1).values
  if (status === undefined || reason === undefined) throw new Error('the mapping has fewer properties than expected')
  const values = [status, { ...reason, value: null }]
  const properties = values.map(({ property }) => property)
  const provider = openTestAccount(pipedrive, { baseUrl: ours.url, token: 'token' })
  await provider.createProperties(properties, signal)
  const record = { ...recordOf(1), values }
  await provider.upsertMany([record], terms)
  const [result] = (await provider.upsertMany([record], terms)).values()
  const id = result?.status === 'written' ? result.remoteId : null
  await provider.readContacts(['m1@b.example'], properties, signal)
  await provider.upsertMany([{ ...record, remoteId: id, isRemoved: true }], terms)

  const account = new Configuration({ apiKey: 'token', basePath: theirs.url })
  const [persons, fields] = [new PersonsApi(account), new PersonFieldsApi(account)]
  await fields.getPersonFields({ limit: 500 })
  for (const { label } of properties)
    await fields.addPersonField({ AddPersonFieldRequest: { field_name: label, field_type: 'varchar' } })
  const codes = await listCodes(
    fields,
    properties.map(({ label }) => label),
  )
  const [statusCode = '', reasonCode = ''] = codes
  const custom = { [statusCode]: 'paused', [reasonCode]: null }
  const search = { term: 'm1@b.example', fields: 'email', exact_match: true } as const
  const emails = [{ value: 'm1@b.example', primary: true, label: 'work' }]
  await persons.searchPersons(search)
  await persons.addPerson({ AddPersonRequest: { name: 'Emma', emails, custom_fields: custom } })
  await persons.searchPersons(search)
  await persons.updatePerson({ id: 501, UpdatePersonRequest: { custom_fields: custom } })
  await persons.searchPersons(search)
  await persons.getPerson({ id: 501, custom_fields: codes.join(',') })
  await persons.deletePerson({ id: 501 })

  expect(ours.requests.map(meaningOf)).toEqual(theirs.requests.map(meaningOf))
  expect([ours.count(), theirs.count()]).toEqual([0, 0])
  expect([...ours.violations, ...theirs.violations]).toEqual([])
})

/** The codes of fields, read page by page. */
async function listCodes(fields: PersonFieldsApi, names: readonly string[]): Promise<readonly string[]> {
  const codes = new Map<string, string>()
  let cursor: string | null | undefined
  do {
    const page = await fields.getPersonFields({ limit: 500, ...(typeof cursor === 'string' ? { cursor } : {}) })
    for (const each of page.data ?? []) if (each.is_custom_field) codes.set(each.field_name, each.field_code)
    cursor = page.additional_data?.next_cursor
  } while (typeof cursor === 'string')
  return names.map((name) => codes.get(name) ?? '')
}
