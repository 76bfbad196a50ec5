import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { portOf } from './port-of.ts'

/** A received request. */
export interface RecordedRequest {
  readonly method: string
  /** With the query string. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export type PeerHandler = (request: RecordedRequest) => Response | Promise<Response>

/** A stand-in for a CRM, Slack or any other server that Warmhook calls. */
export interface HttpPeer extends AsyncDisposable {
  readonly url: string
  /** In order of arrival, each recorded before its handler runs. */
  readonly requests: readonly RecordedRequest[]
}

/**
 * Starts a real HTTP server on a free loopback port. If the handler never resolves, the request hangs; if it throws,
 * the connection is closed.
 *
 * @example await using slack = await startHttpPeer(() => new Response('ok'))
 */
export async function startHttpPeer(handler: PeerHandler = () => new Response()): Promise<HttpPeer> {
  const requests: RecordedRequest[] = []
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy())
  })
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const request = await toRecorded(incoming)
    requests.push(request)
    await write(await handler(request), outgoing)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    requests,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function toRecorded(incoming: IncomingMessage): Promise<RecordedRequest> {
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]))
  return { method: incoming.method ?? '', path: incoming.url ?? '', headers, body: await text(incoming) }
}

async function write(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}
