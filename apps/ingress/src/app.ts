import type { HttpBindings } from '@hono/node-server'
import type { Endpoint } from '@warmhook/config/endpoints'
import { plainPath } from '@warmhook/lifecycle/plain-path'
import { readContentEncoding } from '@warmhook/schema/content-encoding'
import type { Envelope } from '@warmhook/schema/envelope'
import type { Source } from '@warmhook/schema/source'
import { sources } from '@warmhook/schema/sources'
import type { ErrorReporter } from '@warmhook/telemetry/create-error-reporter'
import { Hono, type Context } from 'hono'
import type { Registry } from 'prom-client'
import type { ByteBudget } from './byte-budget.ts'
import { mayConnect, type FindClientAddress } from './access/client-address.ts'
import type { CreateEnvelope } from './create-envelope.ts'
import type { IngressMetrics } from './ingress-metrics.ts'
import type { FindEndpoint } from './access/index-endpoints.ts'
import type { RateLimit } from './access/limit-rate.ts'
import { readBody } from './read-body.ts'

export interface IngressDeps {
  readonly findEndpoint: FindEndpoint
  /** The client address that is checked against `allow`. */
  readonly findClientAddress: FindClientAddress
  readonly maxBodyBytes: number
  /** Shared by the requests in progress. */
  readonly budget: ByteBudget
  /** One limit per endpoint, so that a flood on one does not affect the others. */
  readonly limitOf: (endpoint: Endpoint) => RateLimit
  readonly createEnvelope: CreateEnvelope
  /** Resolves once the envelope is persisted; a rejection means that it may not be. */
  readonly accept: (envelope: Envelope) => Promise<void>
  /** Why webhooks cannot be accepted; undefined if they can. */
  readonly blockedBy: () => string | undefined
  readonly metrics: IngressMetrics
  readonly registry: Registry
  readonly report: ErrorReporter
}

/** Gives access to Node's request, from which bodies are read directly. */
interface NodeApp {
  Bindings: HttpBindings
}
type NodeContext = Context<NodeApp>

/** The ingress's routes. Opens no connections. */
export function createApp(deps: IngressDeps): Hono<NodeApp> {
  const app = new Hono<NodeApp>({ getPath: plainPath })
  app.post('/webhooks/:source/:key', async (c) => {
    const response = await receiveWebhook(c, deps)
    deps.metrics.answers.inc({ status: response.status })
    return response
  })
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => {
    const reason = deps.blockedBy()
    return reason === undefined ? c.json({ status: 'ready' }) : problem(c, 503, reason)
  })
  app.get('/metrics', async (c) =>
    c.body(await deps.registry.metrics(), 200, { 'content-type': deps.registry.contentType }),
  )
  app.notFound((c) => {
    const allow = allowedMethods(c.req.path)
    if (allow !== undefined) return problem(c, 405, `Method not allowed; allowed: ${allow}`, { allow })
    return problem(c, 404, 'Not found; send webhooks to POST /webhooks/mailivery/<key>')
  })
  app.onError((err, c) => {
    deps.report('request failed', 'error')(err)
    return problem(c, 500, 'Internal error')
  })
  return app
}

/** The methods of an existing path; undefined for an unknown one. */
function allowedMethods(path: string): string | undefined {
  if (/^\/webhooks\/[^/]+\/[^/]+$/.test(path)) return 'POST'
  return /^\/(healthz|readyz|metrics)$/.test(path) ? 'GET, HEAD' : undefined
}

/** Authorizes the sender, reads the body within limits, and answers 202 once it is persisted. The router parses it. */
async function receiveWebhook(c: NodeContext, deps: IngressDeps): Promise<Response> {
  const source = sources.get((c.req.param('source') ?? '').toLowerCase())
  if (source === undefined) return problem(c, 404, 'Unknown source')
  const endpoint = deps.findEndpoint(source.name, c.req.param('key') ?? '')
  if (endpoint === undefined) return problem(c, 401, 'Unknown key in the URL')
  if (!mayConnect(endpoint, deps.findClientAddress, c.env.incoming))
    return problem(c, 403, 'This address is not allowed to send to this endpoint')
  const waitSeconds = deps.limitOf(endpoint).take()
  if (waitSeconds > 0) {
    const headers = { 'retry-after': String(Math.ceil(waitSeconds)) }
    return problem(c, 429, 'Rate limit of this key exceeded; retry later', headers)
  }
  const read = await readBody(c.env.incoming, { maxBytes: deps.maxBodyBytes, budget: deps.budget })
  if (read.status === 'too large') return problem(c, 413, `The body must not exceed ${deps.maxBodyBytes} bytes`)
  if (read.status === 'no room')
    return problem(c, 503, 'Too many requests in progress; retry later', { 'retry-after': '2' })
  if (read.status === 'aborted') return problem(c, 400, 'The body is empty')
  try {
    return await acceptBody(c, deps, { source, endpoint, body: read.body })
  } finally {
    deps.budget.give(read.held)
  }
}

interface ReceivedBody {
  readonly source: Source
  readonly endpoint: Endpoint
  readonly body: Buffer
}

async function acceptBody(
  c: NodeContext,
  deps: IngressDeps,
  { source, endpoint, body }: ReceivedBody,
): Promise<Response> {
  if (body.length === 0) return problem(c, 400, 'The body is empty')
  const deliveryId = toDeliveryId(c.env.incoming.headers[source.deliveryIdHeader])
  const contentEncoding = readContentEncoding(c.env.incoming.headers['content-encoding'] ?? '')
  const envelope = deps.createEnvelope({
    source: source.name,
    owner: endpoint.owner,
    body,
    contentEncoding,
    deliveryId,
  })
  try {
    await deps.accept(envelope)
  } catch (err) {
    deps.report('webhook refused')(err)
    return problem(c, 503, 'The webhook could not be stored; retry later', { 'retry-after': '2' })
  }
  return c.json({ id: envelope.id }, 202)
}

function toDeliveryId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header.length > 0 && header.length <= 256 ? header : undefined
}

/** RFC 9457. */
function problem(
  c: NodeContext,
  status: 400 | 401 | 403 | 404 | 405 | 413 | 429 | 500 | 503,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  return c.body(JSON.stringify({ status, detail }), status, { 'content-type': 'application/problem+json', ...headers })
}
