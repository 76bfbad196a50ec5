import { Client } from '@hubspot/api-client'
import { startHttpPeer } from '@warmhook/testing/start-http-peer'
import { describe, expect, it } from 'vitest'
import { recordsOf } from '../fixtures/contact-records.ts'
import { openTestAccount } from '../fixtures/open-test-account.ts'
import { startContractHubspot } from './fixtures/start-contract-hubspot.ts'
import { hubspot } from './hubspot-provider.ts'
import { toHubspotProperties } from './to-hubspot-value.ts'

const terms = { signal: new AbortController().signal, isFirst: false, mode: 'upsert', archives: false } as const
const token = 'token-of-the-test'

const inputs = recordsOf(2).map(({ email, traceId, values }) => ({
  id: email,
  idProperty: 'email',
  objectWriteTraceId: traceId,
  properties: { email, ...toHubspotProperties(values) },
}))

describe("HubSpot's own client", () => {
  it('sends the same upsert, to the path of an older version', async () => {
    await using peer = await startHttpPeer(() => Response.json({ status: 'COMPLETE', results: [] }))
    await openTestAccount(hubspot, { baseUrl: peer.url, token }).upsertMany(recordsOf(2), terms)
    await new Client({ accessToken: token, basePath: peer.url }).crm.contacts.batchApi.upsert({ inputs })
    const [ours, theirs] = peer.requests.map(({ method, path, headers, body }) => ({
      method,
      path: path.replace(/\/(v3\/objects|objects\/2026-09)\//, '/…/'),
      authorization: headers['authorization'],
      body: JSON.parse(body) as unknown,
    }))
    expect(ours).toEqual(theirs)
  })

  it('reads the answer of the peer that the tests use', async () => {
    await using crm = await startContractHubspot()
    await using proxy = await startHttpPeer(async ({ body, headers }) => {
      const answer = await fetch(`${crm.url}/crm/objects/2026-09/contacts/batch/upsert`, {
        method: 'POST',
        body,
        headers: { authorization: headers['authorization'] ?? '', 'content-type': 'application/json' },
      })
      return new Response(await answer.text(), {
        status: answer.status,
        headers: { 'content-type': 'application/json' },
      })
    })
    const answer = await new Client({ accessToken: token, basePath: proxy.url }).crm.contacts.batchApi.upsert({
      inputs,
    })
    const emails = answer.results.map(({ properties }) => properties['email'])
    expect(new Set(emails)).toEqual(new Set(['m1@b.example', 'm2@b.example']))
  })
})
