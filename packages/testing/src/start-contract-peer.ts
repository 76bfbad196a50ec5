import { OpenAPIBackend, type Document } from 'openapi-backend'
import { startHttpPeer, type HttpPeer, type RecordedRequest } from './start-http-peer.ts'

/** A valid request, as its operation receives it. */
export interface ContractCall {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Read it with `bodyOf`. */
  readonly body: unknown
  readonly request: RecordedRequest
}

/** The body of a call, as the contract describes it: the contract has been checked. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names what the contract promises
export function bodyOf<Body>({ body }: ContractCall): Body {
  return body as Body
}

export interface Contract {
  /** The vendor's OpenAPI document, or a part of it. */
  readonly definition: object
  /** The path of its server, such as `/api/v2`. */
  readonly basePath: string
}

export interface ContractPeer extends HttpPeer {
  /** Requests and answers that the contract does not allow. Tests expect none. */
  readonly violations: readonly string[]
}

export interface ContractPeerOptions {
  readonly contracts: readonly Contract[]
  /** By `operationId`. */
  readonly operations: Readonly<Record<string, (call: ContractCall) => Response | Promise<Response>>>
  /** Answers before the contract is consulted: authentication, limits, faults. */
  readonly before?: (request: RecordedRequest) => Response | undefined | Promise<Response | undefined>
  /** Called once an operation has done its work; throwing closes the connection without an answer. */
  readonly afterwards?: ((request: RecordedRequest) => void) | undefined
  /** Added to every answer. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The vendor's answer to a request that its contract does not allow. */
  readonly refuse: (problem: string) => Response
}

/** Starts a server that checks every request and every successful answer against a vendor's contract. */
export async function startContractPeer({
  contracts,
  operations,
  before = () => undefined,
  afterwards = () => undefined,
  headers = {},
  refuse,
}: ContractPeerOptions): Promise<ContractPeer> {
  const violations: string[] = []
  const apis = await Promise.all(contracts.map((contract) => openApi(contract)))
  const peer = await startHttpPeer(async (request) => withHeaders(await answer(request)))

  async function answer(request: RecordedRequest): Promise<Response> {
    const early = await before(request)
    if (early !== undefined) return early
    const { pathname, searchParams: query } = new URL(request.path, 'http://localhost')
    const asked = { method: request.method, path: pathname, headers: headersOf(request), body: parse(request.body) }
    const api = apis.find((each) => each.matchOperation(asked) !== undefined)
    const operation = api?.matchOperation(asked)
    if (api === undefined || operation === undefined) return violate(`${request.method} ${pathname}: no such operation`)
    const checked = api.validateRequest({ ...asked, query: Object.fromEntries(query) }, operation)
    if (checked.errors) return violate(`${request.method} ${pathname}: ${JSON.stringify(checked.errors)}`)
    const params = api.router.parseRequest(asked, operation).params as Record<string, string>
    const run = operations[operation.operationId ?? '']
    if (run === undefined) throw new Error(`the peer does not implement ${operation.operationId}`)
    const response = await run({ params, query, body: asked.body, request })
    afterwards(request)
    await checkAnswer(api, operation.operationId ?? '', response.clone())
    return response
  }

  function withHeaders(response: Response): Response {
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    return response
  }

  function violate(problem: string): Response {
    violations.push(problem)
    return refuse(problem)
  }

  async function checkAnswer(api: OpenAPIBackend, operationId: string, response: Response): Promise<void> {
    if (response.status >= 300 || response.status === 204) return
    const { errors } = api.validateResponse(await response.json(), operationId, response.status)
    if (errors) violations.push(`the peer's answer to ${operationId}: ${JSON.stringify(errors)}`)
  }

  return { ...peer, requests: peer.requests, violations }
}

async function openApi({ definition, basePath }: Contract): Promise<OpenAPIBackend> {
  const api = new OpenAPIBackend({
    definition: definition as Document,
    apiRoot: basePath,
    quick: true,
    coerceTypes: false,
    ajvOpts: { strict: false, allErrors: true, validateFormats: false },
  })
  return api.init()
}

function headersOf({ headers }: RecordedRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function parse(body: string): unknown {
  return body === '' ? undefined : (JSON.parse(body) as unknown)
}
