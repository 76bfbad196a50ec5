import { startHttpPeer, type HttpPeer, type RecordedRequest } from './start-http-peer.ts'

export interface UpsertInput {
  readonly id: string
  readonly idProperty: string
  readonly objectWriteTraceId: string
  readonly properties: Readonly<Record<string, string>>
}

/** A CRM that stores contacts by e-mail and enforces the known rules of HubSpot's batch upsert. */
export interface FakeHubspot extends HttpPeer {
  readonly contacts: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/**
 * Starts a CRM. `answer` may replace its response, before or after the contacts are written.
 */
export async function startFakeHubspot(
  answer: (
    inputs: readonly UpsertInput[],
    request: RecordedRequest,
    write: () => Response,
  ) => Response | Promise<Response> = (_inputs, _request, write) => write(),
): Promise<FakeHubspot> {
  const contacts = new Map<string, Readonly<Record<string, string>>>()
  const peer = await startHttpPeer((request) => {
    const { inputs } = JSON.parse(request.body) as { inputs: readonly UpsertInput[] }
    return answer(inputs, request, () => upsert(inputs, contacts))
  })
  return { ...peer, requests: peer.requests, contacts }
}

/** An account whose plan has no limit that a test could reach. */
const noLimit = { 'x-hubspot-ratelimit-max': '1000000', 'x-hubspot-ratelimit-daily': '100000000' }

function upsert(inputs: readonly UpsertInput[], contacts: Map<string, Readonly<Record<string, string>>>): Response {
  const ids = inputs.map(({ id }) => id.toLowerCase())
  if (inputs.length > 100 || new Set(ids).size < ids.length) {
    return Response.json(
      { status: 'error', category: 'VALIDATION_ERROR', message: 'Duplicate IDs found in batch input' },
      { status: 400 },
    )
  }
  for (const { id, properties } of inputs)
    contacts.set(id.toLowerCase(), { ...contacts.get(id.toLowerCase()), ...properties })
  const results = inputs.map(({ id, objectWriteTraceId }) => ({
    id: `crm-${id}`,
    objectWriteTraceId,
    new: false,
    properties: { email: id.toLowerCase() },
  }))
  return Response.json({ status: 'COMPLETE', results: results.toReversed() }, { headers: noLimit })
}
