import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { portOf } from '@warmhook/testing/port-of'

/**
 * `lost answer`: the write is done, but the connection breaks before the response. `small budget`: the account may make
 * a hundredth of its calls.
 */
export type CrmBehaviour =
  | 'well'
  | 'too many requests'
  | 'server error'
  | 'garbage'
  | 'silent'
  | 'lost answer'
  | 'revoked'
  | 'small budget'

interface CrmContact {
  /** The latest event written to the contact. */
  readonly eventId: string
  readonly properties: Readonly<Record<string, string>>
}

/** A CRM that stores contacts like HubSpot's batch upsert; the caller sets its behaviour. */
export interface CrmPeer extends AsyncDisposable {
  readonly url: string
  behaviour: CrmBehaviour
  readonly contacts: ReadonlyMap<string, CrmContact>
  /** The e-mail of a contact for each write of an older state after a newer one. */
  readonly backwards: readonly string[]
}

interface UpsertInput {
  readonly id: string
  readonly objectWriteTraceId: string
  readonly properties: Readonly<Record<string, string>>
}

/** Calls in ten seconds: more than the load needs, and less. */
const limits = { usual: 2_000, small: 20 }
const windowMs = 10_000

/** Long enough that calls overlap. */
const answerDelayMs = 20

export async function startCrmPeer(): Promise<CrmPeer> {
  const contacts = new Map<string, CrmContact>()
  const backwards: string[] = []
  let calls: number[] = []
  const state: { behaviour: CrmBehaviour } = { behaviour: 'well' }
  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy())
  })

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { inputs } = JSON.parse(await text(request)) as { inputs: readonly UpsertInput[] }
    switch (state.behaviour) {
      case 'well':
        return accept(response, inputs, limits.usual)
      case 'small budget':
        return accept(response, inputs, limits.small)
      case 'revoked':
        return reply(response, 401, { category: 'EXPIRED_AUTHENTICATION', message: 'the token was revoked' })
      case 'too many requests':
        return reply(response, 429, { category: 'RATE_LIMITS', policyName: 'SECONDLY' })
      case 'server error':
        return reply(response, 500, { status: 'error' })
      case 'garbage':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>{"results":[{]')
        return
      case 'silent':
        return
      case 'lost answer':
        write(inputs)
        response.destroy()
        return
    }
  }

  /** Counts calls over a rolling window, and tells the limit as HubSpot does. */
  function accept(response: ServerResponse, inputs: readonly UpsertInput[], limit: number): void {
    const at = performance.now()
    calls = calls.filter((earlier) => earlier > at - windowMs)
    const headers = { 'x-hubspot-ratelimit-max': String(limit), 'x-hubspot-ratelimit-interval-milliseconds': '10000' }
    const isOver = calls.length >= limit
    if (isOver) return reply(response, 429, { policyName: 'TEN_SECONDLY_ROLLING' }, { ...headers, 'retry-after': '2' })
    calls.push(at)
    setTimeout(() => reply(response, 200, write(inputs), headers), answerDelayMs)
  }

  function write(inputs: readonly UpsertInput[]): unknown {
    for (const { id, objectWriteTraceId, properties } of inputs) {
      const before = contacts.get(id)
      if (before !== undefined && before.eventId > objectWriteTraceId) backwards.push(id)
      contacts.set(id, { eventId: objectWriteTraceId, properties: { ...before?.properties, ...properties } })
    }
    const results = inputs.map(({ id, objectWriteTraceId }) => ({
      id: `crm-${id}`,
      new: false,
      objectWriteTraceId,
      properties: { email: id },
    }))
    return { status: 'COMPLETE', results }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(state, {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    contacts,
    backwards,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  })
}

function reply(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
