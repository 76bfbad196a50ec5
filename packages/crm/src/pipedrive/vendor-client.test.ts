import { startHttpPeer, type RecordedRequest } from '@warmhook/testing/start-http-peer'
import { Configuration, PersonsApi } from 'pipedrive/v2'
import { describe, expect, it } from 'vitest'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { recordOf } from '../fixtures/contact-records.ts'
import { startContractPipedrive } from './fixtures/start-contract-pipedrive.ts'
import { pipedrive } from './pipedrive-provider.ts'

const terms = { signal: new AbortController().signal, isFirst: false, mode: 'upsert', archives: false } as const

function seen({ method, path, headers, body }: RecordedRequest) {
  const { pathname, searchParams } = new URL(path, 'http://localhost')
  const query = Object.fromEntries(searchParams)
  return {
    method,
    pathname,
    query,
    token: headers['x-api-token'],
    body: body === '' ? null : (JSON.parse(body) as unknown),
  }
}

describe("Pipedrive's own client", () => {
  it('sends the same search, creation and update', async () => {
    await using crm = await startContractPipedrive()
    const account = openTestAccount(pipedrive, { baseUrl: crm.url, token: 'token' })
    await account.upsertMany([recordOf(1)], terms)
    await account.upsertMany([{ ...recordOf(1), remoteId: '1' }], terms)
    const ours = crm.requests.map(seen).filter(({ pathname }) => pathname.includes('/persons'))
    const bodies = ours.map(({ body }) => body as { custom_fields: Record<string, object> })

    await using peer = await startHttpPeer(() => Response.json({ success: true, data: {} }))
    const api = new PersonsApi(new Configuration({ apiKey: 'token', basePath: `${peer.url}/api/v2` }))
    await api.searchPersons({ term: 'm1@b.example', fields: 'email', exact_match: true, limit: 20 })
    const emails = [{ value: 'm1@b.example', primary: true, label: 'work' }]
    const customFields = bodies[1]?.custom_fields ?? {}
    await api.addPerson({ AddPersonRequest: { name: 'Emma', emails, custom_fields: customFields } })
    await api.updatePerson({ id: 1, UpdatePersonRequest: { custom_fields: customFields } })
    expect(ours).toEqual(peer.requests.map(seen))
  })
})
