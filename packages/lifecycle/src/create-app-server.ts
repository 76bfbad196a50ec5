import { createServer, type Server, type ServerOptions } from 'node:http'
import { getRequestListener } from '@hono/node-server'

/**
 * An HTTP server for an app; it does not listen yet. Requests without Host are accepted (HTTP/1.0; HAProxy's health checks send
 * none), and so are requests with an `Expect` header that Node does not support.
 */
export function createAppServer(fetch: Parameters<typeof getRequestListener>[0], options: ServerOptions = {}): Server {
  const handle = getRequestListener(fetch, { hostname: 'localhost' })
  const server = createServer(options, (request, response) => void handle(request, response))
  return server.on('checkExpectation', (request, response) => void handle(request, response))
}
