import { Agent, request } from 'undici'

/** The result of a request. */
export type PeerAnswer =
  | { readonly status: number; readonly headers: PeerHeaders; readonly body: string }
  /** No complete answer. `isSent` is false if the request was certainly not sent. */
  | { readonly status: 'none'; readonly fault: string; readonly isSent: boolean }

export type PeerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export type PeerMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface PeerRequest {
  readonly method?: PeerMethod
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is if it is a text, otherwise as JSON; undefined sends none. */
  readonly body?: unknown
  readonly signal: AbortSignal
}

export interface PeerLimits {
  /** From the start of the request to the last byte of the answer. */
  readonly requestMs: number
  readonly maxAnswerBytes: number
}

/** Sends a request to an external service, POST by default. Never throws. */
export type PeerClient = (request: PeerRequest) => Promise<PeerAnswer>

const connectMs = 3_000
/** Shorter than the usual idle timeouts of networks. */
const idleMs = 4_000

/**
 * Creates a client whose calls all end within the time limit. Connections are kept alive for later calls. After a call
 * without an answer, none of the open connections is reused, because the same fault may affect all of them.
 */
export function createPeerClient({ requestMs, maxAnswerBytes }: PeerLimits): PeerClient {
  const openAgent = () =>
    new Agent({
      connect: { timeout: connectMs },
      headersTimeout: requestMs,
      bodyTimeout: requestMs,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      allowH2: false,
    })
  let agent = openAgent()

  return async ({ method = 'POST', url, headers, body, signal }) => {
    const used = agent
    try {
      const answer = await request(url, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
        dispatcher: used,
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
      })
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: await readBounded(answer.body, maxAnswerBytes),
      }
    } catch (error) {
      if (used === agent) {
        agent = openAgent()
        // It closes after its last call, which has its own time limit.
        used.close().catch(() => undefined)
      }
      return { status: 'none', fault: nameOf(error), isSent: !neverSent.has(nameOf(error)) }
    }
  }
}

async function readBounded(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > maxBytes) throw new RangeError('the answer is too long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** The system's code or the error's name. The message can contain the request's headers or URL, and so a secret. */
function nameOf(error: unknown): string {
  const inner = error instanceof AggregateError ? (error.errors as readonly unknown[])[0] : error
  const cause = inner instanceof Error && inner.cause instanceof Error ? inner.cause : inner
  if (!(cause instanceof Error)) return 'unknown error'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}

/** Errors of DNS, connect, TLS, and invalid requests. */
const neverSent: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_INVALID_ARG',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
])
